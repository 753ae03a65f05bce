-- The rock runs on LuaJIT and on Lua 5.1 to 5.4, so only what all of them have is allowed.
std = 'min'
max_line_length = 110
files['lua/tests'] = {std = '+busted'}
exclude_files = {'.venv*', 'lua/lab-workbook/spec.lua'}
