'use strict'
/**
 * `npm run release`: tests, packs and publishes the package, with provenance, and writes the software
 * bill of materials beside the tarball. `npm run release -- --dry-run` does everything but publish.
 */
const { writeFileSync, mkdirSync } = require('node:fs')
const { execFileSync } = require('node:child_process')
const { join } = require('node:path')
const { run } = require('./setup')

const root = join(__dirname, '..')
const isDryRun = process.argv.includes('--dry-run')
const { name, version, repository } = require('../package.json')
const output = (command, args) =>
  execFileSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })

/** What must be true before something is published. A dry run shows it and continues. */
const problems = []
if (output('git', ['status', '--porcelain']) !== '') {
  problems.push('The working tree has changes: commit them.')
}
if (!output('git', ['tag', '--points-at', 'HEAD']).split('\n').includes(`v${version}`)) {
  problems.push(`The commit has no tag v${version}: git tag v${version}`)
}
if (repository === undefined) {
  problems.push(
    'package.json has no repository, which provenance is checked against: ' +
      'npm pkg set repository.type=git repository.url=git+URL, and bugs.url',
  )
}
if (problems.length > 0) {
  console.error(problems.join('\n'))
  if (!isDryRun) process.exit(1)
}

run('npm', ['test'])
run('npm', ['run', 'lint'])

const folder = join(root, 'build-release')
mkdirSync(folder, { recursive: true })
run('npm', ['pack', '--pack-destination', folder])
const tarball = join(folder, `${name}-${version}.tgz`)
const bill = join(folder, `${name}-${version}.cdx.json`)
writeFileSync(bill, JSON.stringify(billOfMaterials(), null, 2))
console.log(`${tarball}\n${bill}`)
// npm makes the provenance in a CI system that it knows; elsewhere --provenance fails.
run('npm', [
  ...['publish', tarball, '--access', 'public', '--provenance'],
  ...(isDryRun ? ['--dry-run'] : []),
])

/** The npm packages, and what the binaries contain. */
function billOfMaterials() {
  const options = ['--omit', 'dev', '--sbom-format', 'cyclonedx', '--sbom-type', 'library']
  const sbom = JSON.parse(output('npm', ['sbom', ...options]))
  // npm writes the name of the folder.
  sbom.metadata.component.name = name
  sbom.components.push(
    ...['libstdc++', 'libgcc'].map((library) => ({
      'bom-ref': `${library}@10`,
      type: 'library',
      name: library,
      version: '10',
      description: 'Linked statically into the binaries in prebuilds, as Debian 11 has it.',
      licenses: [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }],
    })),
  )
  return sbom
}
