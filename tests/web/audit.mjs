// Opens pages in Chromium at three widths, light and dark, and prints what is wrong with each as JSON. Rules of accessibility are run
// once in light and once in dark, at the ends: they take most of the time.
// Usage: node audit.mjs [--screenshots DIR] PAGE.html...     CHROMIUM names the browser.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SIZES = [{ width: 390, height: 844 }, { width: 768, height: 1024 }, { width: 1280, height: 800 }];
const SCHEMES = ["light", "dark"];
const isJudged = (width, scheme) => (width === 390 && scheme === "light") || (width === 1280 && scheme === "dark");

const args = process.argv.slice(2);
const at = args.indexOf("--screenshots");
const folder = at < 0 ? null : args.splice(at, 2)[1];
if (folder) mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const results = [];
try {
  for (const file of args) {
    const settings = SIZES.flatMap((viewport) => SCHEMES.map((colorScheme) => [viewport, colorScheme]));
    results.push(...(await Promise.all(settings.map(([viewport, colorScheme]) => audit(file, viewport, colorScheme)))));
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(results, null, 1));

async function audit(file, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  const address = pathToFileURL(resolve(file)).href;
  const shot = `${basename(file, ".html")}-${viewport.width}-${colorScheme}`;
  const console_errors = [];
  const requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && console_errors.push(message.text()));
  page.on("pageerror", (error) => console_errors.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url());
  });
  await page.goto(address, { waitUntil: "load" });
  if (folder) await page.screenshot({ path: join(folder, `${shot}-first.png`) });
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  // The page's own policy stays in force: this goes in through the debugger, not as a script of the page.
  const is_judged = isJudged(viewport.width, colorScheme);
  if (is_judged) await page.evaluate(axeSource);
  // A drawing is one picture with a label: what is inside says nothing to a screen reader.
  const axe = is_judged ? await page.evaluate(() => globalThis.axe.run({ exclude: ["svg > *"] })) : { violations: [] };
  const overflow_px = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  // Words that stand in a cell letter by letter.
  const squeezed = await page.evaluate(() => Array.from(document.querySelectorAll("th, td"))
    .filter((cell) => cell.clientWidth < 45 && /[\w-]{7}/.test(cell.textContent)).map((cell) => cell.textContent.trim()));
  if (folder) {
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = false)));
    await page.screenshot({ path: join(folder, `${shot}.png`), fullPage: true });
  }
  await context.close();
  const findings = axe.violations.map(({ id, impact, nodes }) => ({
    rule: id,
    weight: impact,
    at: nodes.slice(0, 3).map((node) => node.target.join(" ")),
  }));
  return { page: basename(file), width: viewport.width, scheme: colorScheme, is_judged, findings, console_errors, requests, overflow_px, squeezed };
}
