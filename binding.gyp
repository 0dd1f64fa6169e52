# The build that ships. native/CMakeLists.txt is the developer's: sanitizers, C++ tests, fuzzers.
{
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_cc': ['-std=c++17'],
    'ldflags': ['-Wl,--as-needed', '-Wl,-z,relro,-z,now'],
  },
  'targets': [
    {
      # Where there is no Linux there is nothing to build; the package installs all the same.
      'target_name': 'kmod',
      'conditions': [
        ['OS=="linux"', {
          'sources': [
            'native/addon.cc',
            'native/kernel/failure.cc',
            'native/kernel/helper_process.cc',
            'native/kernel/kernel_log.cc',
            'native/kernel/loaded_table.cc',
            'native/kernel/sys_module.cc',
            'native/kernel/text_file.cc',
          ],
          'dependencies': [
            "<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all",
          ],
          'defines': ['NAPI_VERSION=9', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
          # A thread of libuv's pool may still be on its way out of here when the last worker thread
          # that used the addon has ended: never unmap it.
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
            'native/helper/changes.cc',
            'native/helper/channel.cc',
            'native/helper/events.cc',
            'native/helper/main.cc',
            'native/helper/network_reply.cc',
            'native/helper/queries.cc',
            'native/helper/quiet.cc',
            'native/helper/survey.cc',
            'native/helper/trace.cc',
            'native/kernel/change_watch.cc',
            'native/kernel/command.cc',
            'native/kernel/context.cc',
            'native/kernel/device_files.cc',
            'native/kernel/failure.cc',
            'native/kernel/index_check.cc',
            'native/kernel/insert.cc',
            'native/kernel/libkmod.cc',
            'native/kernel/load_list.cc',
            'native/kernel/modinfo.cc',
            'native/kernel/module_index.cc',
            'native/kernel/net_files.cc',
            'native/kernel/net_links.cc',
            'native/kernel/net_namespace.cc',
            'native/kernel/net_routes.cc',
            'native/kernel/netlink.cc',
            'native/kernel/nf_tables.cc',
            'native/kernel/proc_text.cc',
            'native/kernel/processes.cc',
            'native/kernel/remove.cc',
            'native/kernel/text_file.cc',
            'native/kernel/trace_text.cc',
            'native/kernel/tracing.cc',
            'native/kernel/traffic_control.cc',
            'native/kernel/wire.cc',
          ],
          'libraries': ['-ldl'],
        }, {
          'type': 'none',
        }],
      ],
    },
  ],
}
