// The words of ODK Web Forms itself, which it has in English only, in the reader's language. It gives no way to pass
// others, so they are exchanged where they appear: whole texts only, never a form's own.

import { page, t } from "./words.js";

const WORDS = {
  "Send": t("Finish the form"),
  "Change language": t("Change language"),
  "Get location": t("Measure the position"),
  "Finding your location": t("Measuring the position"),
  "Time taken to capture location:": t("Time spent:"),
  "Save location": t("Keep this position"),
  "Cancel": t("Cancel"),
  "Try again": t("Try again"),
  "Good accuracy": t("Good accuracy"),
  "Poor accuracy": t("Poor accuracy"),
  "Unknown accuracy": t("Unknown accuracy"),
  "Cannot access location": t("The position cannot be measured"),
  "Grant location permission in the browser settings and make sure location is turned on.":
    t("Allow this page to know the position in the browser's settings, and switch on the phone's location."),
  "Location unavailable. Enable GPS and browser permissions, then restart the form to try again.":
    t("The position cannot be measured. Switch on the phone's location, allow it to this page, and open the form again."),
  "Take picture": t("Take a picture"),
  "Choose image": t("Choose a picture"),
  "Remove": t("Remove"),
  "Add": t("Add"),
  "Rank items": t("Put in order"),
  "Condition not satisfied: constraint": t("This answer cannot be right."),
  "Condition not satisfied: required": t("This question needs an answer."),
  "Powered by": t("Made with"),
  "Repeat Item": t("Entry"),
  "Media not found.": t("A picture or sound of the form is missing."),
  "Accuracy": t("Accuracy"), "Altitude": t("Altitude"), "Latitude": t("Latitude"), "Longitude": t("Longitude"),
  "Capturing location...": t("Measuring the position"),
  "No point saved": t("No place chosen yet"),
  "Point saved": t("The place is kept"),
  "Tap to place a point": t("Touch the map to place a point"),
  "Tap to move point": t("Touch the map to move the point"),
  "Press and drag to move a point": t("Press and drag to move the point"),
  "Use the location button to center on your current location": t("The location button shows where you are"),
  "Remove point": t("Remove the point"),
  "Remove selection": t("Undo the choice"),
  "Save selected": t("Choose this one"),
  "Save": t("Save"),
  "View details": t("Details"),
  "Advanced": t("More"),
  "Full Screen": t("Full screen"),
  "Zoom to current location": t("Go to where I am"),
  "Zoom to fit": t("Show everything"),
  "Graphics issue detected": t("The map cannot be drawn"),
  "Your browser cannot display the map now. Enable graphics acceleration settings.":
    t("This browser cannot draw the map. Switch on its graphics acceleration, or use another browser."),
};

const PATTERNS = [
  [/^(\d+) questions? with errors?\.$/, (found) => t("{n} questions want another look.", { n: found[1] })],
  [/^Accuracy: (.+) m,$/, (found) => t("Accuracy: {metres} m,", { metres: found[1] })],
  [/^Latitude: (.+),$/, (found) => t("Latitude: {degrees},", { degrees: found[1] })],
  [/^Longitude: (.+)\.$/, (found) => t("Longitude: {degrees}.", { degrees: found[1] })],
  [/^([\d.]+ m) - Good accuracy$/, (found) => `${found[1]} · ${t("Good accuracy")}`],
  [/^([\d.]+ m) - Poor accuracy$/, (found) => `${found[1]} · ${t("Poor accuracy")}`],
];
const ATTRIBUTES = ["placeholder", "aria-label", "title", "alt"];
// Texts of the form stand here; whatever a form asks is left as it is.
const OF_THE_FORM = ".control-text, .hint, .markdown-block, .form-title, .p-radiobutton-label, .p-select-option-label, textarea";

function other(text) {
  const said = text.trim();
  if (!said || said.length > 120) return null;
  if (Object.hasOwn(WORDS, said)) return text.replace(said, WORDS[said]);
  for (const [pattern, words] of PATTERNS) {
    const found = said.match(pattern);
    if (found) return text.replace(said, () => words(found));
  }
  return null;
}

function exchange(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = other(node.nodeValue);
    if (text !== null && text !== node.nodeValue && !node.parentElement?.closest(OF_THE_FORM)) node.nodeValue = text;
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    for (const name of ATTRIBUTES) {
      const text = node.hasAttribute(name) ? other(node.getAttribute(name)) : null;
      if (text !== null && text !== node.getAttribute(name)) node.setAttribute(name, text);
    }
    for (const child of node.childNodes) exchange(child);
  }
}

// From now on, wherever the form shows its own words: in the page, and in dialogs and menus at its end.
export function speakOurs() {
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(exchange);
      else exchange(change.target);
    }
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
}

// Names of days and months, and day before month: an American 5/4 would be another child's birthday here.
export function calendar() {
  const locale = page.language === "vi" ? "vi-VN" : "en-GB";
  const names = (options, dates) => {
    const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
    return dates.map((date) => format.format(date));
  };
  const days = Array.from({ length: 7 }, (_, day) => new Date(Date.UTC(2023, 0, 1 + day))); // begins on a Sunday
  const months = Array.from({ length: 12 }, (_, month) => new Date(Date.UTC(2023, month, 1)));
  return {
    dayNames: names({ weekday: "long" }, days),
    dayNamesShort: names({ weekday: "short" }, days),
    dayNamesMin: names({ weekday: "narrow" }, days),
    monthNames: names({ month: "long" }, months),
    monthNamesShort: names({ month: "short" }, months),
    dateFormat: "dd/mm/yy",
    firstDayOfWeek: 1,
    today: t("Today"),
    clear: t("Clear"),
    emptyFilterMessage: t("Nothing found"),
    emptySearchMessage: t("Nothing found"),
    emptyMessage: t("Nothing to choose from"),
    chooseDate: t("Choose the day"),
    chooseMonth: t("Choose the month"),
    chooseYear: t("Choose the year"),
  };
}
