# What R's package survey says of the designs that survey_designs.py wrote: share, standard error, design effect,
# degrees of freedom, and the interval of svyciprop, method "logit", of each.
#
#   Rscript survey_reference.R designs.json reference.json

suppressPackageStartupMessages({library(survey); library(jsonlite)})
options(survey.lonely.psu = "adjust", digits = 17, warn = 1)

told <- commandArgs(trailingOnly = TRUE)
designs <- fromJSON(told[1], simplifyVector = TRUE, simplifyDataFrame = FALSE)

answer <- function(one) {
  people <- data.frame(stratum = one$stratum, cluster = one$cluster, weight = one$weight, vaccinated = one$vaccinated)
  base <- list(name = one$name)
  if (length(unique(paste(people$stratum, people$cluster))) == 1) return(c(base, list(share = mean(people$vaccinated))))
  design <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~weight, data = people, nest = TRUE)
  mean <- svymean(~vaccinated, design, deff = "replace")
  found <- c(base, list(share = as.numeric(coef(mean)), error = as.numeric(SE(mean)), freedom = degf(design)))
  if (length(unique(people$vaccinated)) == 1) {
    # svyciprop has no interval here; the exact binomial one is what WHO's tools fall back on.
    exact <- binom.test(sum(people$vaccinated), nrow(people))$conf.int
    return(c(found, list(exact = as.numeric(exact))))
  }
  logit <- svyciprop(~vaccinated, design, method = "logit")
  xlogit <- svyciprop(~vaccinated, design, method = "xlogit")
  c(found, list(deff = as.numeric(deff(mean)), quantile = qt(0.975, degf(design)),
                logit = as.numeric(confint(logit)), xlogit = as.numeric(confint(xlogit))))
}

kept <- list(
  made_with = paste0("bench/survey_reference.R; ", R.version.string, "; survey ", packageVersion("survey")),
  answers = lapply(designs, answer)
)
writeLines(toJSON(kept, auto_unbox = TRUE, digits = NA, na = "null", pretty = TRUE), told[2])
