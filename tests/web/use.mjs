// Uses a page as a reader would: sorts, searches, goes by keyboard, prints, and turns scripts off. Prints what it saw as JSON.
// Usage: node use.mjs PAGE.html     CHROMIUM names the browser.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const address = pathToFileURL(resolve(process.argv[2])).href;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const seen = {};
try {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  await page.goto(address);
  const table = page.locator('table[data-sortable="services"]');
  const head = table.locator("thead th", { hasText: "a month" });
  const amounts = () => table.locator("tbody tr td:nth-child(5)").evaluateAll((all) => all.map((c) => Number(c.dataset.value)));
  const names = () => table.locator("tbody tr:not([hidden]) th").evaluateAll((all) => all.map((c) => c.textContent.trim()));
  seen.aria_sort = [];
  await head.locator("button").click();
  seen.sorted_up = await amounts();
  seen.aria_sort.push(await head.getAttribute("aria-sort"));
  await head.locator("button").click();
  seen.sorted_down = await amounts();
  seen.aria_sort.push(await head.getAttribute("aria-sort"));
  await table.locator("thead th").first().locator("button").click();
  seen.sorted_names = await names();

  const search = page.getByLabel("Search 200 services");
  await search.fill("TEAM-4 013");
  seen.found = await names();
  seen.status = await page.getByRole("status").first().textContent();
  await search.fill("");
  seen.shown_after_clearing = (await names()).length;

  await page.reload();
  seen.focused = [];
  seen.unseen_focus = [];
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const [tag, outline] = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return [document.activeElement.tagName, style.outlineStyle];
    });
    seen.focused.push(tag);
    if (tag !== "BODY" && outline === "none") seen.unseen_focus.push(tag); // The body has it past the end of the page.
    if (tag === "BUTTON" && seen.sorted_by_key === undefined) {
      await page.keyboard.press("Enter");
      seen.sorted_by_key = await page.evaluate(() => document.activeElement.closest("th").getAttribute("aria-sort"));
    }
  }

  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 688, height: 1017 }); // A4 without its margins
  const pdf = await page.pdf({ format: "A4" });
  seen.print = {
    nav: await page.locator("nav").evaluate((nav) => getComputedStyle(nav).display),
    search: await page.locator(".search").first().evaluate((bar) => getComputedStyle(bar).display),
    overflow_px: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    cut: await page.evaluate(() => Array.from(document.querySelectorAll(".scroll"))
      .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.getAttribute("aria-labelledby"))),
    folded_px: await page.locator("details svg").first().evaluate((svg) => svg.getBoundingClientRect().height),
    pdf_starts_with: pdf.subarray(0, 4).toString(),
  };

  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(address);
  seen.without_script = {
    rows: await plain.locator('table[data-sortable="services"] tbody tr').count(),
    buttons: await plain.locator("button").count(),
    inputs: await plain.locator("input").count(),
  };
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
