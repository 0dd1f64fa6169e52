/** The page of toHtml() in a browser, as a person uses it. */
/// <reference lib="dom" />
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import type { GraphNode, ModuleGraph } from '../../lib/contract/types'
import { openPage, startBrowser } from '../support/browser'
import { draw } from '../support/pictures'

jest.setTimeout(120_000)

const HOSTILE =
  '/mnt/</script><script>window.hostile = 1</script><img src=x onerror="hostile=1">"\''

/** 400 modules, most of which use one or two others; `bridge` uses stp and llc, stp uses llc. */
function manyModules(): ModuleGraph {
  const module = (id: string): GraphNode => ({ id, kind: 'module', label: id, size: 16384 })
  const names = Array.from({ length: 397 }, (_, i) => `module_${i}`)
  const uses = (from: string, to: string): ModuleGraph['edges'][number] => ({
    from,
    to,
    kind: 'uses',
  })
  return {
    nodes: [
      ...names.map(module),
      { ...module('bridge'), role: 'target', order: 1, refCount: 1 },
      { ...module('stp'), role: 'goes', order: 2 },
      { ...module('llc'), role: 'blocks' },
      { id: 'mount:hostile', kind: 'mount', label: HOSTILE },
    ],
    edges: [
      ...names.flatMap((name, i) =>
        i % 3 === 0 ? [] : [uses(name, `module_${Math.floor(i / 7)}`)],
      ),
      uses('bridge', 'stp'),
      uses('bridge', 'llc'),
      uses('stp', 'llc'),
      uses('mount:hostile', 'bridge'),
    ],
    unreadable: ['the open files of process <7>'],
  }
}

let browser: Browser
let folder: string
let page: Page
let problems: string[]
const graph = manyModules()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kmod-page-'))
  writeFileSync(join(folder, 'page.html'), draw('toHtml', graph))
  browser = await startBrowser()
})
afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  ;({ page, problems } = await openPage(browser, 'file:'))
  await page.goto(pathToFileURL(join(folder, 'page.html')).href)
})
afterEach(async () => {
  expect(problems).toEqual([])
  await page.close()
})

const shape = (id: string): string => `#n${graph.nodes.findIndex((node) => node.id === id)}`
const details = (): Promise<string> => page.innerText('#details')
/** The part of the picture that is visible: x, y, width, height. */
const viewBox = async (): Promise<number[]> =>
  (await page.getAttribute('#picture svg', 'viewBox'))!.split(' ').map(Number)
const isOnScreen = async (id: string): Promise<boolean> => {
  const box = (await page.locator(shape(id)).boundingBox())!
  const whole = (await page.locator('#picture').boundingBox())!
  return (
    box.x >= whole.x &&
    box.y >= whole.y &&
    box.x + box.width <= whole.x + whole.width &&
    box.y + box.height <= whole.y + whole.height
  )
}
/** The labels of the nodes that are not faded. */
const near = (): Promise<string[]> =>
  page.$$eval('.node.near', (shapes) => shapes.map((one) => one.querySelector('title')!.innerHTML))

test('shows every module, the plan, and what could not be read', async () => {
  expect(await page.locator('.node').count()).toBe(graph.nodes.length)
  const text = await details()
  expect(text).toContain('400 modules')
  expect(text).toContain('1. bridge')
  expect(text).toContain('2. stp')
  expect(text).toContain('the open files of process <7>')
  const legend = await page.innerText('#legend')
  for (const one of ['module', 'other user', 'is removed or released too', 'blocks the plan']) {
    expect(legend).toContain(one)
  }
  expect(await isOnScreen('module_0')).toBe(true)
  expect(await isOnScreen('module_396')).toBe(true)
})

test('names of other users are text, and no other script may run', async () => {
  expect(await page.evaluate('window.hostile')).toBeUndefined()
  expect(await page.locator('img').count()).toBe(0)
  await page.fill('#search', 'onerror')
  await page.press('#search', 'Enter')
  expect(await page.innerText('#details h2')).toBe(HOSTILE)
  const blocked = await page.evaluate<string>(`new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective))
    const script = document.createElement('script')
    script.textContent = 'window.hostile = 1'
    document.body.append(script)
  })`)
  expect(blocked).toMatch(/^script-src/)
  expect(await page.evaluate('window.hostile')).toBeUndefined()
  // The browser reports what the policy blocked.
  problems = problems.filter((problem) => !problem.includes('Content Security Policy'))
})

test('a search finds modules, with dashes too, and Enter shows the next one so that it can be read', async () => {
  await page.keyboard.press('/')
  await page.keyboard.type('module-39')
  const matches = graph.nodes.filter(({ id }) => id.startsWith('module_39')).length
  expect(await page.innerText('#matches')).toBe(`${matches} matches`)
  expect(await page.locator('.node.match').count()).toBe(matches)
  await page.keyboard.press('Enter')
  expect(await page.innerText('#matches')).toBe(`1 of ${matches}`)
  expect(await page.innerText('#details h2')).toBe('module_39')
  expect(await isOnScreen('module_39')).toBe(true)
  const text = (await page.locator(`${shape('module_39')} text`).boundingBox())!
  expect(text.height).toBeGreaterThan(9)
  await page.keyboard.press('Enter')
  expect(await page.innerText('#matches')).toBe(`2 of ${matches}`)
  await page.keyboard.press('Escape')
  expect(await page.locator('.node.match').count()).toBe(0)
  expect(await page.inputValue('#search')).toBe('')
})

test('a click shows what a module uses and what uses it', async () => {
  await page.click(shape('stp'))
  const text = await details()
  expect(text).toMatch(/^stp\s+module, 16,384 bytes\s+Step 2: is removed or released too/)
  expect(text).toMatch(/Uses \(1\)\s+llc\s+Used by \(1\)\s+bridge/)
  expect((await near()).filter((one) => !one.startsWith('/mnt'))).toEqual(['bridge', 'stp', 'llc'])
  const faded = await page.$eval(shape('module_0'), (one) => getComputedStyle(one).opacity)
  expect(Number(faded)).toBeLessThan(0.5)
  // From there to a neighbour.
  await page.click('#details button:has-text("llc")')
  expect(await page.innerText('#details h2')).toBe('llc')
  expect(await details()).toMatch(/Used by \(2\)\s+bridge\s+stp/)
  await page.keyboard.press('Escape')
  expect(await details()).toContain('400 modules')
  expect(await near()).toEqual([])
})

test('the wheel, the buttons, the keys and dragging move and zoom', async () => {
  const [, , width] = await viewBox()
  await page.mouse.move(400, 400)
  await page.mouse.wheel(0, -200)
  await page.waitForFunction(
    `document.querySelector('#picture svg').viewBox.baseVal.width < ${width}`,
  )
  const [x, , closer] = await viewBox()
  await page.mouse.down()
  await page.mouse.move(300, 400, { steps: 4 })
  await page.mouse.up()
  const [moved] = await viewBox()
  expect(moved).toBeGreaterThan(x!)
  // The end of dragging is no click.
  expect(await details()).toContain('400 modules')
  await page.keyboard.press('+')
  const [, , closest] = await viewBox()
  expect(closest).toBeLessThan(closer!)
  await page.click('#out')
  await page.click('#out')
  const [, , out] = await viewBox()
  expect(out).toBeGreaterThan(closest!)
  await page.keyboard.press('0')
  const [, , whole] = await viewBox()
  expect(whole).toBe(width)
})

test('the keyboard leads to every module', async () => {
  await page.focus('#fit')
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.id')).toBe('n0')
  await page.focus(shape('bridge'))
  await page.keyboard.press('ArrowRight')
  expect(await page.innerText('#details h2')).toBe('stp')
  await page.keyboard.press('ArrowRight')
  expect(await page.innerText('#details h2')).toBe('llc')
  await page.keyboard.press('ArrowLeft')
  expect(await page.innerText('#details h2')).toBe('bridge')
  expect(await page.getAttribute(shape('bridge'), 'aria-label')).toBe(
    'bridge, step 1, is removed: it was asked for',
  )
})

test.each(['light', 'dark'] as const)('text can be read on a %s screen', async (colorScheme) => {
  await page.emulateMedia({ colorScheme })
  for (const id of ['module_0', 'bridge', 'stp', 'llc', 'mount:hostile']) {
    const fillOf = (what: string): Promise<string> =>
      page
        .locator(shape(id))
        .locator(what)
        .first()
        .evaluate((one) => getComputedStyle(one).fill)
    const [text, fill] = await Promise.all([fillOf('text'), fillOf('path, ellipse')])
    expect(contrast(text, fill)).toBeGreaterThan(4.5)
  }
})

/** The contrast of two colours. Source: WCAG 2.1, definition of contrast ratio; 4.5 is level AA. */
function contrast(one: string, other: string): number {
  const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [
    number,
    number,
  ]
  return (bright + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red, green, blue] = [...colour.matchAll(/\d+/g)].map(([digits]) => {
    const part = Number(digits) / 255
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
