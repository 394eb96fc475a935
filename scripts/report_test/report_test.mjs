// The page of any study in headless Chromium: does it stand alone, play, switch, and can everybody
// use it.
//
//   npm ci --ignore-scripts
//   node report_test.mjs REPORT.html [SCREENSHOTS]
//
// CHROMIUM names the browser (default /usr/bin/chromium). Ends with code 1 at the first failure.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, screenshots] = process.argv.slice(2);
if (!file) {
  console.error("usage: report_test.mjs REPORT.html [SCREENSHOTS]");
  process.exit(2);
}
const address = pathToFileURL(resolve(file)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
if (screenshots) mkdirSync(screenshots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=user-gesture-required"],
});

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

// Opens the page and collects what must not happen.
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) =>
    request.url() !== address && !request.url().startsWith("data:") && faults.push(`request of ${request.url()}`));
  await page.goto(address);
  return { context, page, faults };
}

// Methods that are compared, and those of them that the paper has.
const METHODS = 7;
const PAPER = 4;

const test = async (name, run) => {
  await run();
  console.log(`ok  ${name}`);
};

// A sweep has a section of its cases, no claims to judge and nothing to listen to; the paper's rows
// stand beside those of its own experiment only.
const { context: first, page: firstPage } = await open({ viewport: DESKTOP });
const isSweep = await firstPage.locator("h2#cases").count() === 1;
const isThePapers = await firstPage.locator("figcaption", { hasText: "Fig. 1:" }).count() === 1;
await first.close();
const testOfExamples = async (name, run) => {
  if (isSweep) console.log(`--  ${name}: a sweep has no examples`);
  else await test(name, run);
};

await test("the tables are there", async () => {
  const { context, page, faults } = await open({ viewport: DESKTOP });
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("table.claims tbody tr").count(), isSweep ? 0 : 7);
  assert.equal(await page.locator("table.scores tbody tr").count(), isThePapers ? METHODS + PAPER : 0,
    "the methods and the paper's rows");
  for (const verdict of await page.locator(".verdict").allTextContents()) {
    assert.ok(["held", "not held", "gains", "loses", "undecided", "no interval"].includes(verdict), verdict);
  }
  assert.equal(await page.locator("table.best tbody tr").count(), isSweep ? METHODS : 0);
  // No table of a sweep is open that has a row for each comparison.
  assert.equal(await page.locator("table.differences:visible").count(), 0);
  for (const table of await page.locator("table").all()) {
    assert.equal(await table.locator("caption").count(), 1);
    assert.ok((await table.locator("thead th[scope=col]").count()) > 1);
    const rows = await table.locator("tbody tr").count();
    assert.equal(await table.locator("tbody th[scope=row]").count(), rows);
  }
  const broken = await page.locator("img").evaluateAll((images) =>
    Promise.all(images.map((image) => image.decode().then(() => "", () => image.alt))));
  assert.deepEqual(broken.filter(Boolean), []);
  assert.deepEqual(faults, []);
  await context.close();
});

const position = (player) => player.locator("[data-seek]").evaluate((slider) => Number(slider.value));
const reaches = (player, least) => player.locator("[data-seek]").evaluate((slider, least) =>
  new Promise((done, failed) => {
    const begun = performance.now();
    (function look() {
      if (Number(slider.value) >= least) done();
      else if (performance.now() - begun > 15_000) failed(new Error(`stays at ${slider.value} of ${least} s`));
      else setTimeout(look, 20);
    })();
  }), least);
const shown = (player) => player.locator("figure[data-signal]:visible").getAttribute("data-signal");

await testOfExamples("every player plays and keeps its position when switched", async () => {
  const { context, page, faults } = await open({ viewport: DESKTOP });
  const players = await page.locator("[data-player]").all();
  assert.ok(players.length > 0, "no example to listen to");
  for (const player of players) {
    const button = player.locator("[data-play]");
    await button.click();
    await reaches(player, 0.3);
    const choices = await player.locator(".signals label").all();
    assert.equal(choices.length, 3 + METHODS, "mixture, speech, background, the methods");
    for (const [index, choice] of choices.entries()) {
      const before = await position(player);
      await choice.click();
      assert.equal(await shown(player), String(index));
      const after = await position(player);
      assert.ok(after >= before && after < before + 1, `from ${before} to ${after} s`);
      assert.equal(await button.textContent(), "Pause");
    }
    await reaches(player, (await position(player)) + 0.1);
    await button.click();
    const paused = await position(player);
    await page.waitForTimeout(200);
    assert.equal(await position(player), paused);
    assert.equal(await button.textContent(), "Play");
  }
  // Only one plays at a time.
  if (players.length > 1) {
    await players[0].locator("[data-play]").click();
    await players[1].locator("[data-play]").click();
    await reaches(players[1], (await position(players[1])) + 0.1);
    assert.equal(await players[0].locator("[data-play]").textContent(), "Play");
    await players[1].locator("[data-play]").click();
  }
  // To the end, where it stops.
  await players[0].locator("[data-seek]").evaluate((slider) => {
    slider.value = Number(slider.max) - 0.2;
    slider.dispatchEvent(new Event("input"));
  });
  await players[0].locator("[data-play]").click();
  await page.waitForFunction((button) => button.textContent === "Play",
    await players[0].locator("[data-play]").elementHandle());
  assert.deepEqual(faults, []);
  await context.close();
});

await testOfExamples("the signals themselves can be played and are not silent", async () => {
  const { context, page, faults } = await open({ viewport: DESKTOP });
  const signals = await page.evaluate(() => Promise.all(
    [...document.querySelectorAll("audio")].map(async (audio) => {
      const bytes = Uint8Array.from(atob(audio.src.split(",")[1]), (c) => c.charCodeAt(0));
      const buffer = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes.buffer);
      const peak = buffer.getChannelData(0).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      audio.muted = true;
      audio.preload = "auto";
      await audio.play();
      await new Promise((done) => {
        audio.ontimeupdate = () => audio.currentTime > 0.1 && done();
      });
      audio.pause();
      return { seconds: buffer.duration, peak };
    })));
  assert.ok(signals.length >= 3 + METHODS);
  for (const { seconds, peak } of signals) assert.ok(seconds > 0.1 && peak > 0.001 && peak <= 1, `${seconds} ${peak}`);
  assert.deepEqual(faults, []);
  await context.close();
});

await testOfExamples("the keyboard is enough", async () => {
  const { context, page } = await open({ viewport: DESKTOP, reducedMotion: "reduce" });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  const player = page.locator("[data-player]").first();
  await player.locator("input[type=radio]").first().focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await shown(player), "1");
  await page.keyboard.press("Tab");
  assert.ok(await player.locator("[data-play]").evaluate((button) => button === document.activeElement));
  const outline = await player.locator("[data-play]").evaluate((button) => getComputedStyle(button).outlineStyle);
  assert.equal(outline, "solid", "focus is visible");
  await page.keyboard.press("Space");
  await reaches(player, 0.1);
  await page.keyboard.press("Space");
  const before = await position(player);
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.ok((await position(player)) > before);
  await context.close();
});

await test("without scripts it plays by the browser's controls", async () => {
  const { context, page } = await open({ viewport: DESKTOP, javaScriptEnabled: false });
  assert.equal(await page.locator("audio:visible").count(), await page.locator("audio").count());
  assert.equal(await page.locator("[data-play]:visible").count(), 0);
  await context.close();
});

// The mean lightness of an element as it is seen, from 0 to 1.
async function lightness(context, element) {
  const picture = (await element.screenshot()).toString("base64");
  const blank = await context.newPage();
  const mean = await blank.evaluate(async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, image.width, image.height);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += 0.2126 * data[i] + 0.7152 * data[i + 1] + 0.0722 * data[i + 2];
    return sum / (255 * data.length / 4);
  }, picture);
  await blank.close();
  return mean;
}

for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    await test(`${size}, ${colorScheme}: figures are whole and do not glare`, async () => {
      const { context, page, faults } = await open({ viewport, colorScheme });
      const figures = await page.locator("figure:has(picture)").all();
      assert.ok(figures.length > 0);
      for (const figure of figures) {
        const image = figure.locator("img");
        const [left, right, drawn, narrow, wide] = await image.evaluate((image) => {
          const { left, right } = image.getBoundingClientRect();
          const { srcset } = image.parentElement.querySelector("source");
          return [left, right, image.currentSrc, srcset, image.src];
        });
        assert.ok(left >= 0 && right <= viewport.width, `from ${left} to ${right} px`);
        assert.ok(right - left > 0.8 * Math.min(viewport.width, 760), `${right - left} px wide`);
        assert.ok(drawn === (size === "phone" ? narrow : wide), "a phone has a figure of its own");
        const isChart = await figure.evaluate((figure) => figure.classList.contains("chart"));
        const mean = await lightness(context, image);
        if (colorScheme === "dark") assert.ok(mean < 0.5, `lightness ${mean}`);
        else if (isChart) assert.ok(mean > 0.5, `lightness ${mean}`);
      }
      assert.deepEqual(faults, []);
      await context.close();
    });
  }
}

for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    await test(`${size}, ${colorScheme}: nothing overflows, accessible to axe`, async () => {
      const { context, page, faults } = await open({ viewport, colorScheme });
      await page.locator("details").evaluateAll((all) => all.forEach((details) => { details.open = true; }));
      const [wide, room] = await page.evaluate(() =>
        [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= room, `${wide} px in ${room} px`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run());
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
      assert.deepEqual(found, []);
      assert.deepEqual(faults, []);
      if (screenshots) {
        await page.locator("details").evaluateAll((all) => all.forEach((details) => { details.open = false; }));
        await page.screenshot({ path: join(screenshots, `${size}-${colorScheme}.png`), fullPage: true });
      }
      await context.close();
    });
  }
}

await browser.close();
