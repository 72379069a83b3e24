/**
 * A script for a page: returns the texts whose contrast with their background is below 4.5, which WCAG's level AA requires.
 * It reads the colours that have no transparency; a page without such a background has the colour of its root.
 */
export const lowContrast = `(() => {
  const parse = (color) =>
    color.match(/^rgb\\((\\d+), (\\d+), (\\d+)\\)$/)?.slice(1).map(Number) ??
    color.match(/^color\\(srgb ([\\d.]+) ([\\d.]+) ([\\d.]+)\\)$/)?.slice(1).map((part) => part * 255);
  const luminance = (channels) => {
    const [r, g, b] = channels.map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) =>
    element && (parse(getComputedStyle(element).backgroundColor) ?? backgroundOf(element.parentElement));
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
  return [...document.body.querySelectorAll("*")].flatMap((element) => {
    const color = parse(getComputedStyle(element).color);
    const background = backgroundOf(element);
    if (!hasText(element) || !color || !background || element.closest(":disabled")) return [];
    const [dark, light] = [luminance(color), luminance(background)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    return ratio < 4.5 ? [element.innerText + ": " + ratio.toFixed(2)] : [];
  });
})()`;
