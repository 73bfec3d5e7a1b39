"""Text that does not stand out enough from its ground, worked out from what the browser computed."""

from __future__ import annotations

from playwright.sync_api import Page

CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const over = (top, under) => { const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a)); };
  const luminance = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => { const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]); };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.offsetParent || element.closest("script, .unit-label, option")) continue;
    const under = ground(element);
    const text = over(parse(getComputedStyle(element).color), under);
    const [a, b] = [luminance(text), luminance(under)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) weak.push(`${node.textContent.trim()} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return weak; }"""


def weak_text(page: Page) -> list[str]:
    """Visible texts with a contrast below 4.5 to 1, each with its ratio. Source: WCAG 2.2, 1.4.3, level AA."""
    found: list[str] = page.evaluate(CONTRAST)
    return found
