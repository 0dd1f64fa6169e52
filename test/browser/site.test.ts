/** The documentation site in a browser, as a person uses it: `npm run docs`. */
/// <reference lib="dom" />
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { openPage, startBrowser } from '../support/browser'
import { ROOT } from '../support/child'
import { read } from '../support/documents'

jest.setTimeout(240_000)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

let folder: string
let server: Server
let address: string
let browser: Browser
let page: Page
let problems: string[]

/** A browser does not show the icons of pages that it reads as files, so a server has them. */
async function serve(): Promise<void> {
  server = createServer(({ url = '/' }, response) => {
    const path = join(folder, decodeURIComponent(new URL(url, 'http://site').pathname))
    try {
      const content = readFileSync(path)
      response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain')
      response.end(content)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-site-'))
  // It fails if anything exported has no documentation, or if a link has no target.
  await promisify(execFile)('npx', ['typedoc', '--out', folder], { cwd: ROOT })
  await serve()
  browser = await startBrowser()
})
afterAll(async () => {
  await browser.close()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  ;({ page, problems } = await openPage(browser, address))
  // A browser asks for it by itself.
  await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }))
})
afterEach(async () => {
  expect(problems).toEqual([])
  await page.close()
})

const pages = (): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith('.html'))
const guide = (): string[] => pages().filter((name) => name.includes('guide'))
const open = (name: string): Promise<unknown> => page.goto(`${address}/${name}`)

/** The headings of a page, and where its links lead. Read by the browser, but not shown, which is faster. */
interface Parsed {
  name: string
  ids: string[]
  links: string[]
}

function parse(names: readonly string[]): Promise<Parsed[]> {
  return page.evaluate(async (all) => {
    const parsed: Parsed[] = []
    for (const name of all) {
      const address = new URL(name, location.href).href
      const html = await (await fetch(address)).text()
      const document = new DOMParser().parseFromString(html, 'text/html')
      parsed.push({
        name,
        ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
        links: [...document.querySelectorAll('a[href]')].map(
          (one) => new URL(one.getAttribute('href')!, address).href,
        ),
      })
    }
    return parsed
  }, names)
}

test('every link leads to a page and a heading that exist', async () => {
  await open('index.html')
  // A script adds the menu, which is the same on all pages.
  await page.waitForSelector('#tsd-nav-container a', { state: 'attached' })
  const menu = await page.$$eval('#tsd-nav-container a', (all) =>
    all.map((one) => (one as HTMLAnchorElement).href),
  )
  const parsed = await parse(pages())
  expect(parsed.length).toBeGreaterThan(80)
  expect(menu.length).toBeGreaterThan(80)
  const ids = new Map(parsed.map((one) => [decodeURI(`/${one.name}`), new Set(one.ids)]))
  const targets = new Map(menu.map((link) => [link, 'the menu']))
  for (const { name, links } of parsed) for (const link of links) targets.set(link, name)

  const broken: { link: string; on: string }[] = []
  for (const [link, on] of targets) {
    const { origin, pathname, hash } = new URL(link)
    if (origin !== address) continue
    const known = ids.get(decodeURI(pathname))
    const exists = known
      ? hash === '' || known.has(decodeURIComponent(hash.slice(1)))
      : (await page.request.get(`${origin}${pathname}`)).ok()
    if (!exists) broken.push({ link: link.slice(address.length), on })
  }
  expect(broken).toEqual([])
})

/** What the search lists: the names, as they are shown. */
async function search(text: string): Promise<string[]> {
  await open('index.html')
  await page.click('#tsd-search-trigger')
  await page.locator('#tsd-search-input').pressSequentially(text)
  await page.waitForSelector('#tsd-search-results li a')
  return page.$$eval('#tsd-search-results li', (all) =>
    all.map((one) => (one as HTMLElement).innerText.trim()),
  )
}

test('a search finds a call, its types and the page of the guide', async () => {
  const listed = await search('unload')
  for (const name of ['node-kmod.unload', 'node-kmod.UnloadOptions', 'docs/guide.Unloading']) {
    expect(listed).toContain(name)
  }
  await page.locator('#tsd-search-results a', { hasText: 'docs/guide.Unloading' }).click()
  await page.waitForURL(/Unloading/)
  expect(await page.innerText('h1')).toContain('Unloading')
})

test('a search finds what a page of the guide is about, not only its name', async () => {
  expect(await search('seccomp')).toContain('docs/guide.Permissions')
  expect(await search('ERR_KMOD_HUNG')).toContain('docs/guide.Errors, one by one')
})

test('the menu has the pages of the guide, in the order of the guide', async () => {
  await open('index.html')
  await page.waitForSelector('#tsd-nav-container a', { state: 'attached' })
  const titles = await page.$$eval('#tsd-nav-container a', (all) =>
    all.map((one) => one.textContent.trim()),
  )
  const [, frontmatter] = read('docs/guide.md').split('---')
  const listed = [...frontmatter!.matchAll(/^ {2}(.*): \.\//gm)].map(([, title]) => title!)
  expect(listed.length).toBeGreaterThan(10)
  expect(titles.filter((title) => listed.includes(title))).toEqual(listed)
})

test('a narrow screen can be read without scrolling to the side', async () => {
  await page.setViewportSize({ width: 360, height: 740 })
  const wide: string[] = []
  for (const name of ['index.html', ...guide(), 'types/node-kmod.KmodErrorCode.html']) {
    await open(name)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    if (width > 360) wide.push(`${name}: ${width}`)
    const size = await page.$eval('.tsd-typography, .tsd-comment', (one) =>
      parseFloat(getComputedStyle(one).fontSize),
    )
    expect(size).toBeGreaterThanOrEqual(14)
  }
  expect(wide).toEqual([])
})

test('a narrow screen has a menu and a search', async () => {
  await page.setViewportSize({ width: 360, height: 740 })
  await open('index.html')
  await page.click('#tsd-toolbar-menu-trigger')
  await page.locator('#tsd-nav-container a', { hasText: /^docs\/guide$/ }).click()
  await page.waitForURL(/guide/)
  expect(await page.innerText('h1')).toContain('Guide')
  await page.click('#tsd-search-trigger')
  await page.locator('#tsd-search-input').pressSequentially('explain')
  await page.waitForSelector('#tsd-search-results li a')
})
