/**
 * The script of the HTML page. It is a text, because it runs in a browser and not in Node.js;
 * test/browser/ runs it there.
 */
import { MEANINGS } from './look'

export const PAGE_SCRIPT = String.raw`
'use strict'
const { nodes, edges, unreadable } = JSON.parse(document.getElementById('graph').textContent)
const byId = (id) => document.getElementById(id)
const picture = byId('picture')
const svg = picture.querySelector('svg')
const details = byId('details')
const search = byId('search')
const shapes = nodes.map((_, i) => byId('n' + i))
const lines = edges.map((_, i) => byId('e' + i))
const uses = nodes.map(() => [])
const usedBy = nodes.map(() => [])
for (const [from, to] of edges) {
  if (from < 0 || to < 0) continue
  uses[from].push(to)
  usedBy[to].push(from)
}

// The part of the picture that is visible, in units of the picture.
const whole = svg.viewBox.baseVal
const all = { x: whole.x, y: whole.y, width: whole.width, height: whole.height }
let view = { ...all }
svg.removeAttribute('width')
svg.removeAttribute('height')
const show = (next) => {
  view = next
  svg.setAttribute('viewBox', [view.x, view.y, view.width, view.height].join(' '))
}
/** Units of the picture for one pixel of the screen. */
const unit = () => Math.max(view.width / picture.clientWidth, view.height / picture.clientHeight)
const toPicture = (x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM().inverse())
const zoom = (factor, at) => {
  const width = Math.min(all.width * 4, Math.max(60, view.width / factor))
  const scale = width / view.width
  const point = at ?? { x: view.x + view.width / 2, y: view.y + view.height / 2 }
  show({
    x: point.x - (point.x - view.x) * scale,
    y: point.y - (point.y - view.y) * scale,
    width,
    height: view.height * scale,
  })
}
const center = (i) => {
  const box = shapes[i].getBoundingClientRect()
  const point = toPicture(box.x + box.width / 2, box.y + box.height / 2)
  // Text of at least about 11 pixels, so that it can be read.
  if (unit() > 1) {
    const factor = unit()
    show({ ...view, width: view.width / factor, height: view.height / factor })
  }
  show({ ...view, x: point.x - view.width / 2, y: point.y - view.height / 2 })
}

let selected = null
/** Adds all nodes that can be reached along the edges, and these edges. */
const reach = (from, isForward, reached, way) => {
  const pending = [from]
  const seen = new Set(pending)
  const start = isForward ? 0 : 1
  const next = isForward ? uses : usedBy
  for (const at of pending) for (const to of next[at]) if (!seen.has(to)) { seen.add(to); pending.push(to) }
  for (const one of seen) reached.add(one)
  edges.forEach((edge, i) => { if (seen.has(edge[start]) && seen.has(edge[1 - start])) way.add(i) })
}
const select = (i) => {
  if (selected !== null) shapes[selected].classList.remove('selected')
  selected = i
  svg.classList.toggle('some-near', i !== null)
  const [reached, way] = [new Set(), new Set()]
  if (i !== null) {
    shapes[i].classList.add('selected')
    reach(i, true, reached, way)
    reach(i, false, reached, way)
    focusable(i)
  }
  shapes.forEach((shape, k) => shape.classList.toggle('near', reached.has(k)))
  lines.forEach((line, k) => line?.classList.toggle('near', way.has(k)))
  describe()
}
const go = (i) => {
  select(i)
  center(i)
  shapes[i].focus({ preventScroll: true })
}

const make = (tag, text, parent) => {
  const element = document.createElement(tag)
  element.textContent = text
  parent.append(element)
  return element
}
const list = (title, members) => {
  make('h3', title + ' (' + members.length + ')', details)
  const ul = make('ul', '', details)
  for (const i of [...new Set(members)].sort((a, b) => nodes[a].label < nodes[b].label ? -1 : 1)) {
    const button = make('button', nodes[i].label, make('li', '', ul))
    button.type = 'button'
    button.addEventListener('click', () => go(i))
  }
}
const ROLES = ${JSON.stringify(MEANINGS)}
const describe = () => {
  details.replaceChildren()
  if (selected === null) return overview()
  const { label, kind, refCount, size, role, order } = nodes[selected]
  make('h2', label, details)
  const facts = [kind]
  if (size !== undefined) facts.push(size.toLocaleString('en') + ' bytes')
  if (refCount !== undefined) facts.push(refCount + (refCount === 1 ? ' reference' : ' references'))
  make('div', facts.join(', '), details)
  if (role in ROLES) make('div', (order === undefined ? '' : 'Step ' + order + ': ') + ROLES[role], details)
  list('Uses', uses[selected])
  list('Used by', usedBy[selected])
}
const overview = () => {
  const modules = nodes.filter(({ kind }) => kind === 'module').length
  make('h2', modules + (modules === 1 ? ' module' : ' modules'), details)
  make('div', 'An arrow leads from a user to what it uses. Select one to see what it uses and what uses it.', details)
  const steps = nodes.map((_, i) => i).filter((i) => nodes[i].order !== undefined).sort((a, b) => nodes[a].order - nodes[b].order)
  const some = (title, members) => { if (members.length > 0) list(title, members) }
  if (steps.length > 0) {
    make('h3', 'Steps of the plan', details)
    const ol = make('ol', '', details)
    for (const i of steps) {
      const button = make('button', nodes[i].order + '. ' + nodes[i].label, make('li', '', ol))
      button.type = 'button'
      button.addEventListener('click', () => go(i))
    }
  }
  some('Blocks the plan', nodes.flatMap(({ role }, i) => role === 'blocks' ? [i] : []))
  if (unreadable.length > 0) {
    make('h3', 'Could not be read', details)
    const ul = make('ul', '', details)
    for (const text of unreadable) make('li', text, ul)
  }
  make('h3', 'Keys', details)
  const keys = make('ul', '', details)
  for (const text of ['/ search, Enter: next match', '+ - 0 zoom, drag or Shift with arrows: move', 'Tab, arrows: next module; left and right: along the edges', 'Enter select, Esc back']) make('li', text, keys)
}

let matches = []
let current = -1
const find = () => {
  const wanted = search.value.trim().toLowerCase().replaceAll('-', '_')
  matches = wanted === '' ? [] : nodes.flatMap(({ label }, i) => label.toLowerCase().replaceAll('-', '_').includes(wanted) ? [i] : [])
  // An exact name is the first match.
  matches.sort((a, b) => nodes[a].label.length - nodes[b].label.length)
  current = -1
  svg.classList.toggle('searching', wanted !== '')
  shapes.forEach((shape, i) => shape.classList.toggle('match', matches.includes(i)))
  byId('matches').textContent = wanted === '' ? '' : matches.length + (matches.length === 1 ? ' match' : ' matches')
}
const endSearch = () => {
  search.value = ''
  find()
}
search.addEventListener('input', find)
search.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && matches.length > 0) {
    current = (current + (event.shiftKey ? matches.length - 1 : 1)) % matches.length
    select(matches[current])
    center(matches[current])
    byId('matches').textContent = current + 1 + ' of ' + matches.length
  }
})

// Tab reaches one node; the arrow keys reach the others.
const focusable = (i) => {
  shapes.forEach((shape, k) => shape.setAttribute('tabindex', k === i ? '0' : '-1'))
}
shapes.forEach((shape, i) => {
  shape.setAttribute('role', 'button')
  const { label, role, order } = nodes[i]
  shape.setAttribute('aria-label', label + (role in ROLES ? ', ' + (order === undefined ? '' : 'step ' + order + ', ') + ROLES[role] : ''))
  shape.querySelector('title').textContent = label
  shape.addEventListener('click', (event) => {
    if (hasMoved) return
    event.stopPropagation()
    if (search.value !== '') endSearch()
    select(i)
    shape.focus({ preventScroll: true })
  })
  shape.addEventListener('keydown', (event) => {
    if (event.shiftKey) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const neighbours = { ArrowRight: uses[i], ArrowLeft: usedBy[i] }[event.key]
    const next = step === undefined ? neighbours?.[0] : (i + step + nodes.length) % nodes.length
    if (event.key === 'Enter' || event.key === ' ') select(i)
    else if (next === undefined) return
    else go(next)
    event.preventDefault()
    event.stopPropagation()
  })
})
for (const line of lines) line?.querySelector('title')?.remove()
for (const title of svg.querySelectorAll('.graph > title')) title.remove()
if (shapes.length > 0) focusable(0)

let hasMoved = false
let last = null
picture.addEventListener('pointerdown', (event) => {
  last = { x: event.clientX, y: event.clientY }
  hasMoved = false
})
window.addEventListener('pointermove', (event) => {
  if (last === null) return
  const [dx, dy] = [event.clientX - last.x, event.clientY - last.y]
  if (!hasMoved && Math.abs(dx) + Math.abs(dy) < 4) return
  hasMoved = true
  show({ ...view, x: view.x - dx * unit(), y: view.y - dy * unit() })
  last = { x: event.clientX, y: event.clientY }
})
window.addEventListener('pointerup', () => { last = null })
picture.addEventListener('click', () => { if (!hasMoved) select(null) })
picture.addEventListener('wheel', (event) => {
  event.preventDefault()
  zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) / 400), toPicture(event.clientX, event.clientY))
}, { passive: false })
byId('in').addEventListener('click', () => zoom(1.5))
byId('out').addEventListener('click', () => zoom(1 / 1.5))
byId('fit').addEventListener('click', () => show({ ...all }))
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return
  if (event.key === 'Escape') {
    endSearch()
    select(null)
    return
  }
  if (event.target === search) return
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
  if (event.key === '/') search.focus()
  else if (event.key === '+' || event.key === '=') zoom(1.5)
  else if (event.key === '-') zoom(1 / 1.5)
  else if (event.key === '0') show({ ...all })
  else if (move) show({ ...view, x: view.x + move[0] * 80 * unit(), y: view.y + move[1] * 80 * unit() })
  else return
  event.preventDefault()
})
describe()
`
