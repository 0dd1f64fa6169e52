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
            'native/common/failure.cc',
            'native/process/helper_process.cc',
            'native/proc/kernel_log.cc',
            'native/proc/loaded_table.cc',
            'native/proc/sys_module.cc',
            'native/proc/text_file.cc',
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
            'native/process/channel.cc',
            'native/helper/events.cc',
            'native/helper/main.cc',
            'native/helper/network_reply.cc',
            'native/helper/queries.cc',
            'native/helper/quiet.cc',
            'native/helper/survey.cc',
            'native/helper/trace.cc',
            'native/net/change_watch.cc',
            'native/process/command.cc',
            'native/libkmod/context.cc',
            'native/proc/device_files.cc',
            'native/common/failure.cc',
            'native/libkmod/index_check.cc',
            'native/libkmod/insert.cc',
            'native/libkmod/libkmod.cc',
            'native/libkmod/load_list.cc',
            'native/libkmod/modinfo.cc',
            'native/libkmod/module_index.cc',
            'native/net/net_files.cc',
            'native/net/net_links.cc',
            'native/net/net_namespace.cc',
            'native/net/net_routes.cc',
            'native/net/netlink.cc',
            'native/net/nf_tables.cc',
            'native/proc/proc_text.cc',
            'native/proc/processes.cc',
            'native/libkmod/remove.cc',
            'native/proc/text_file.cc',
            'native/proc/trace_text.cc',
            'native/proc/tracing.cc',
            'native/net/traffic_control.cc',
            'native/process/wire.cc',
          ],
          'libraries': ['-ldl'],
        }, {
          'type': 'none',
        }],
      ],
    },
  ],
}
