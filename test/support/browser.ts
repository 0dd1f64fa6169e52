/** A browser for tests of pages. */
import { chromium, type Browser, type Page } from 'playwright-core'

export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Its sandbox does not start as root.
    args: ['--no-sandbox'],
  })
}

/**
 * Opens an empty page. `problems` gets what a page must not do: messages on the console, errors, and requests to
 * an address that does not begin with `origin`.
 */
export async function openPage(
  browser: Browser,
  origin: string,
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } })
  const problems: string[] = []
  page.on('console', (message) => problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) problems.push(request.url())
  })
  return { page, problems }
}
