--- Train a small network on handwritten digits, and record everything about it.
--
--    LUA_PATH='lua/?.lua;lua/?/init.lua;;' luajit examples/train.lua [epochs]
--
-- Any Lua from 5.1 to 5.4 will do. The model is written out by hand, so that nothing but Lua is needed;
-- the lines with `workbook` are all that recording costs. examples/train.py is the same program in Python.

local labWorkbook = require 'lab-workbook'

local here = arg[0]:match('^(.*/)') or ''

local parameters = {
   script = 'train.lua',
   hidden = 24,
   learningRate = 0.05,
   momentum = 0.9,
   batchSize = 32,
   epochs = tonumber(arg[1]) or 20,
   heldOut = 450,
   seed = 1,
}

-- Data ------------------------------------------------------------------------------------------------

--- Return the digits as a list of {pixels = 64 numbers from 0 to 1, label = 1 to 10}.
local function readDigits(path)
   local digits = {}
   for line in io.lines(path) do
      local pixels = {}
      for number in line:gmatch('%d+') do
         pixels[#pixels + 1] = tonumber(number) / 16
      end
      local label = table.remove(pixels) * 16
      digits[#digits + 1] = {pixels = pixels, label = label + 1}
   end
   return digits
end

--- Put a list in random order, in place (Fisher and Yates).
local function shuffle(list)
   for last = #list, 2, -1 do
      local other = math.random(last)
      list[last], list[other] = list[other], list[last]
   end
end

-- Model -----------------------------------------------------------------------------------------------

--- Return a matrix of `rows` by `columns` that `fill` gives the numbers for.
local function matrix(rows, columns, fill)
   local result = {}
   for row = 1, rows do
      result[row] = {}
      for column = 1, columns do
         result[row][column] = fill()
      end
   end
   return result
end

--- Return a layer: weights, the gradient of a batch, and a velocity. The last column of each is the bias.
local function newLayer(inputs, outputs)
   local scale = math.sqrt(3 / inputs)
   local function zero() return 0 end
   return {
      weights = matrix(outputs, inputs + 1, function() return (2 * math.random() - 1) * scale end),
      gradient = matrix(outputs, inputs + 1, zero),
      velocity = matrix(outputs, inputs + 1, zero),
   }
end

--- Return what a layer makes of an input.
local function forward(layer, input)
   local output, inputs = {}, #input
   for row, weights in ipairs(layer.weights) do
      local sum = weights[inputs + 1]
      for column = 1, inputs do
         sum = sum + weights[column] * input[column]
      end
      output[row] = sum
   end
   return output
end

--- Add to the layer's gradient, and return the slope of the loss at the layer's input.
local function backward(layer, input, slope)
   local inputs, inputSlope = #input, {}
   for column = 1, inputs do inputSlope[column] = 0 end
   for row, weights in ipairs(layer.weights) do
      local gradient, own = layer.gradient[row], slope[row]
      if own ~= 0 then
         for column = 1, inputs do
            gradient[column] = gradient[column] + own * input[column]
            inputSlope[column] = inputSlope[column] + own * weights[column]
         end
         gradient[inputs + 1] = gradient[inputs + 1] + own
      end
   end
   return inputSlope
end

--- Take a step with momentum, clear the gradient, and return the square of its length.
local function step(layer, batchSize)
   local square = 0
   for row, gradients in ipairs(layer.gradient) do
      local weights, velocity = layer.weights[row], layer.velocity[row]
      for column = 1, #gradients do
         local gradient = gradients[column] / batchSize
         square = square + gradient * gradient
         velocity[column] = parameters.momentum * velocity[column] - parameters.learningRate * gradient
         weights[column] = weights[column] + velocity[column]
         gradients[column] = 0
      end
   end
   return square
end

--- Return the probabilities of the ten digits, and what the hidden layer made of the pixels.
local function predict(model, pixels)
   local hidden = forward(model.hidden, pixels)
   for unit = 1, #hidden do
      hidden[unit] = math.max(0, hidden[unit])
   end
   local scores = forward(model.output, hidden)
   local top, sum = -math.huge, 0
   for _, score in ipairs(scores) do
      top = math.max(top, score)
   end
   for digit, score in ipairs(scores) do
      -- Less the highest score, so that exp cannot overflow.
      scores[digit] = math.exp(score - top)
      sum = sum + scores[digit]
   end
   for digit, score in ipairs(scores) do
      scores[digit] = score / sum
   end
   return scores, hidden
end

--- Learn from one example, and return its loss.
local function learn(model, example)
   local probabilities, hidden = predict(model, example.pixels)
   local loss = -math.log(probabilities[example.label])
   probabilities[example.label] = probabilities[example.label] - 1
   local slope = backward(model.output, hidden, probabilities)
   for unit = 1, #hidden do
      if hidden[unit] == 0 then slope[unit] = 0 end
   end
   backward(model.hidden, example.pixels, slope)
   return loss
end

--- Return the mean loss on some examples, and the share of them that is taken for another digit.
local function test(model, examples)
   local loss, wrong = 0, 0
   for _, example in ipairs(examples) do
      local probabilities = predict(model, example.pixels)
      loss = loss - math.log(probabilities[example.label])
      for _, probability in ipairs(probabilities) do
         if probability > probabilities[example.label] then
            wrong = wrong + 1
            break
         end
      end
   end
   return loss / #examples, wrong / #examples
end

-- Training --------------------------------------------------------------------------------------------

math.randomseed(parameters.seed)
local training, testing = readDigits(here .. 'data/digits.csv'), {}
for _ = 1, parameters.heldOut do
   testing[#testing + 1] = table.remove(training)
end
local model = {hidden = newLayer(64, parameters.hidden), output = newLayer(parameters.hidden, 10)}

local workbook = labWorkbook:newExperiment{note = 'lab-workbook demo'}
workbook:saveJSON('parameters', parameters)
workbook:saveGitStatus()
local lossLog = workbook:newTimeSeriesLog('Training loss', {'epoch', 'loss', 'gradientNorm'}, 100)
local errorLog = workbook:newTimeSeriesLog('Testing error', {'epoch', 'error', 'loss'})

local batchSize = parameters.batchSize
local batches = math.floor(#training / batchSize)
local testingLoss, testingError
for epoch = 1, parameters.epochs do
   shuffle(training)
   for batch = 1, batches do
      local loss = 0
      for index = (batch - 1) * batchSize + 1, batch * batchSize do
         loss = loss + learn(model, training[index])
      end
      local gradientNorm = math.sqrt(step(model.hidden, batchSize) + step(model.output, batchSize))
      lossLog{epoch = epoch - 1 + batch / batches, loss = loss / batchSize, gradientNorm = gradientNorm}
   end
   testingLoss, testingError = test(model, testing)
   errorLog{epoch = epoch, error = testingError, loss = testingLoss}
   print(string.format('epoch %2d  testing error %.1f%%', epoch, 100 * testingError))
end

workbook:saveJSON('model', {hidden = model.hidden.weights, output = model.output.weights})
if pcall(require, 'torch') then
   workbook:saveTorch('model', model)
end
local summary = string.format('%.4f of %d held-out digits taken for another\n', testingError, #testing)
workbook:saveText('summary.txt', summary)
workbook:close()
