# The build that ships. native/CMakeLists.txt is for development: sanitizers, C++ tests, fuzzers. Both
# take their sources from native/sources.json.
{
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_cc': ['-std=c++17'],
    'ldflags': ['-Wl,--as-needed', '-Wl,-z,relro,-z,now'],
  },
  'targets': [
    {
      # On other systems than Linux there is nothing to build, and the package installs all the same.
      'target_name': 'kmod',
      'conditions': [
        ['OS=="linux"', {
          'sources': [
            '<!@(node -p "const { shared, addon } = require(\'./native/sources.json\'); [...shared, addon.main, ...addon.binding, ...addon.parts].map((file) => \'native/\' + file).join(\' \')")',
          ],
          'dependencies': [
            "<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all",
          ],
          'libraries': ['-ldl', '-pthread'],
          'defines': ['NAPI_VERSION=9', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
          # Never unmap the addon: when the last worker thread that used it has ended, a thread of
          # libuv's pool may still be returning from its code.
          'ldflags': ['-Wl,-z,nodelete'],
        }, {
          'type': 'none',
        }],
      ],
    },
    {
      'target_name': 'kmod-helper',
      'conditions': [
        ['OS=="linux"', {
          'type': 'executable',
          'sources': [
            '<!@(node -p "const { shared, helper } = require(\'./native/sources.json\'); [...shared, helper.main, ...helper.parts].map((file) => \'native/\' + file).join(\' \')")',
          ],
          'libraries': ['-ldl'],
        }, {
          'type': 'none',
        }],
      ],
    },
  ],
}
