rockspec_format = '3.0'
package = 'lab-workbook'
version = '1.1.0-1'
source = {
   url = 'git+https://github.com/lab-workbook/lab-workbook.git',
   tag = 'v1.1.0',
   dir = 'lab-workbook/lua',
}
description = {
   summary = 'Record machine-learning experiments as plain files, in a folder or in S3, without a server.',
   license = 'MIT',
}
dependencies = {
   'lua >= 5.1, < 5.6',
}
build = {
   type = 'builtin',
   modules = {
      ['lab-workbook.appendfile'] = 'lab-workbook/appendfile.lua',
      ['lab-workbook.awsclaim'] = 'lab-workbook/awsclaim.lua',
      ['lab-workbook.awsrequests'] = 'lab-workbook/awsrequests.lua',
      ['lab-workbook.awsworker'] = 'lab-workbook/awsworker.lua',
      ['lab-workbook.cells'] = 'lab-workbook/cells.lua',
      ['lab-workbook.config'] = 'lab-workbook/config.lua',
      ['lab-workbook.dates'] = 'lab-workbook/dates.lua',
      ['lab-workbook.delivery'] = 'lab-workbook/delivery.lua',
      ['lab-workbook.errors'] = 'lab-workbook/errors.lua',
      ['lab-workbook.files'] = 'lab-workbook/files.lua',
      ['lab-workbook.folder'] = 'lab-workbook/folder.lua',
      ['lab-workbook.git'] = 'lab-workbook/git.lua',
      ['lab-workbook'] = 'lab-workbook/init.lua',
      ['lab-workbook.interpreted'] = 'lab-workbook/interpreted.lua',
      ['lab-workbook.journal'] = 'lab-workbook/journal.lua',
      ['lab-workbook.json'] = 'lab-workbook/json.lua',
      ['lab-workbook.lifecycle'] = 'lab-workbook/lifecycle.lua',
      ['lab-workbook.losses'] = 'lab-workbook/losses.lua',
      ['lab-workbook.names'] = 'lab-workbook/names.lua',
      ['lab-workbook.news'] = 'lab-workbook/news.lua',
      ['lab-workbook.nowhere'] = 'lab-workbook/nowhere.lua',
      ['lab-workbook.numbers'] = 'lab-workbook/numbers.lua',
      ['lab-workbook.prefix'] = 'lab-workbook/prefix.lua',
      ['lab-workbook.process'] = 'lab-workbook/process.lua',
      ['lab-workbook.reserve'] = 'lab-workbook/reserve.lua',
      ['lab-workbook.scalars'] = 'lab-workbook/scalars.lua',
      ['lab-workbook.series'] = 'lab-workbook/series.lua',
      ['lab-workbook.shell'] = 'lab-workbook/shell.lua',
      ['lab-workbook.spec'] = 'lab-workbook/spec.lua',
      ['lab-workbook.spool'] = 'lab-workbook/spool.lua',
      ['lab-workbook.tag'] = 'lab-workbook/tag.lua',
      ['lab-workbook.terminal'] = 'lab-workbook/terminal.lua',
      ['lab-workbook.text'] = 'lab-workbook/text.lua',
      ['lab-workbook.torchfile'] = 'lab-workbook/torchfile.lua',
      ['lab-workbook.tree'] = 'lab-workbook/tree.lua',
      ['lab-workbook.workbook'] = 'lab-workbook/workbook.lua',
      ['lab-workbook.worklist'] = 'lab-workbook/worklist.lua',
   },
}
