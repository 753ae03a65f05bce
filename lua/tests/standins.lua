-- What stands in for Torch7 and torchnet, neither of which can be installed any more: the few functions that
-- the rock meets, after the behaviour of torch/torch7 (CmdLine.lua, File.lua), torch/nn (Module.lua) and
-- torchnet (log/init.lua, engine/init.lua, engine/sgdengine.lua), and none of their code.

local standins = {}

-- A copy of all that hangs together, with what is shared shared again, as torch's serialisation makes it.
local function copied(value, seen)
   if type(value) ~= 'table' then return value end
   if not seen[value] then
      seen[value] = setmetatable({}, getmetatable(value))
      for key, item in next, value do rawset(seen[value], copied(key, seen), copied(item, seen)) end
   end
   return seen[value]
end

-- `saved` has what was saved, by path; the file has the bytes that `text` gives.
function standins.torch()
   local torch = {saved = {}}

   function torch.save(path, object)
      local file = assert(io.open(path, 'wb'))
      file:write(torch.text and torch.text(object) or 'an object')
      file:close()
      torch.saved[#torch.saved + 1] = object
   end

   function torch.typename(value)
      local meta = type(value) == 'table' and getmetatable(value)
      return meta and meta.__typename or nil
   end

   function torch.MemoryFile(mode)
      assert(mode == 'rw')
      local file = {at = 1}
      function file:binary() self.isBinary = true return self end
      function file:writeObject(object) assert(self.isBinary) self.object, self.at = copied(object, {}), 2 end
      function file:seek(position) self.at = position end
      function file:readObject() assert(self.at == 1, 'read at the end') return self.object end
      function file.close() end
      return file
   end

   return torch
end

-- A module of nn that keeps its last output, and a container of such.
function standins.module(modules)
   local class = {__typename = 'nn.Module'}
   class.__index = class
   function class:clearState()
      self.output = nil
      for _, each in ipairs(self.modules or {}) do each:clearState() end
      return self
   end
   return setmetatable({weight = {1, 2}, output = 'large', modules = modules}, class)
end

-- torch.CmdLine: defaults, and what the command line says instead.
function standins.cmdline()
   local cmd = {options = {}}
   function cmd:option(key, default) self.options[key] = default end
   function cmd:parse(arg)
      local found = {}
      for key, default in pairs(self.options) do found[key:match('%-*(.*)')] = default end
      for place = 1, #arg, 2 do
         local key = arg[place]
         found[key:match('%-*(.*)')] = type(self.options[key]) == 'number' and tonumber(arg[place + 1])
            or arg[place + 1]
      end
      return found
   end
   return cmd
end

-- tnt.Log.
function standins.log(options)
   local log = {data = {}, known = {__status__ = true}}
   for _, key in ipairs(options.keys) do log.known[key] = true end
   function log:set(values)
      for key, value in pairs(values) do
         assert(self.known[key], 'unknown key <' .. key .. '>')
         for _, closure in ipairs(options.onSet or {}) do closure(self, key, value) end
         self.data[key] = value
      end
   end
   function log:get(key)
      assert(self.known[key], 'unknown key <' .. key .. '>')
      return self.data[key]
   end
   function log:status(message) self:set{__status__ = '| ' .. message} end
   function log:flush()
      for _, closure in ipairs(options.onFlush or {}) do closure(self) end
      self.data = {}
   end
   return log
end

local EVENTS = {'onStart', 'onStartEpoch', 'onSample', 'onForward', 'onForwardCriterion', 'onBackward',
   'onBackwardCriterion', 'onEndEpoch', 'onUpdate', 'onEnd'}

local function unknown(_, name) error('unknown hook <' .. name .. '>') end

-- tnt.SGDEngine; each sample is the loss that the criterion finds. With `config` it is a tnt.OptimEngine.
function standins.engine(config)
   local engine = {hooks = {}}
   for _, name in ipairs(EVENTS) do engine.hooks[name] = function() end end
   setmetatable(engine.hooks, {
      __index = unknown,
      __newindex = unknown,
      __call = function(hooks, name, ...) return hooks[name](...) end,
   })

   local function each(state, samples, after)
      for _, sample in ipairs(samples) do
         state.sample = sample
         engine.hooks('onSample', state)
         engine.hooks('onForward', state)
         if not state.training then state.t = state.t + 1 end
         if state.criterion then
            state.criterion.output = sample
            engine.hooks('onForwardCriterion', state)
         end
         if after then after() end
      end
   end

   function engine.train(_, options)
      local state = {criterion = {}, sample = {}, epoch = 0, t = 0, training = true, lr = options.lr,
         config = config}
      engine.hooks('onStart', state)
      while state.epoch < options.maxepoch do
         engine.hooks('onStartEpoch', state)
         each(state, options.samples, function()
            engine.hooks('onBackwardCriterion', state)
            engine.hooks('onBackward', state)
            state.t = state.t + 1
            engine.hooks('onUpdate', state)
         end)
         state.epoch = state.epoch + 1
         engine.hooks('onEndEpoch', state)
      end
      engine.hooks('onEnd', state)
   end

   function engine.test(_, options)
      local state = {criterion = options.criterion, sample = {}, t = 0, training = false}
      engine.hooks('onStart', state)
      each(state, options.samples)
      engine.hooks('onEnd', state)
   end

   return engine
end

return standins
