local key = KEYS[1]
local function higher(version, than)
  return #version > #than or (#version == #than and version > than)
end
local function tell(route, word)
  redis.call('PUBLISH', 'simplepush:node:' .. string.match(route, '^%S+'), word)
end
local value = redis.call('HGET', key, ARGV[1])
if not value then
  return {0}
end
local mark, version, spelling = string.match(value, '^(-?)(%d*)(.*)$')
local reached = ARGV[2]
if not higher(reached, version) then
  if ARGV[4] ~= '1' then
    return {reached == version and 1 or 2}
  end
  if version == '9223372036854775807' then
    return {2}
  end
  local head, digit, nines = string.match(version, '^(%d-)([0-8]?)(9*)$')
  reached = head .. string.format('%d', (tonumber(digit) or 0) + 1) .. string.rep('0', #nines)
end
redis.call('HSET', key, ARGV[1], reached .. spelling)
local route = redis.call('HGET', key, 'r')
if route then
  local text = spelling == '' and ARGV[3] or string.sub(spelling, 2)
  tell(route, 'p ' .. string.sub(key, -32) .. ' ' .. reached .. ' ' .. text)
end
return {mark == '-' and 3 or 4, reached, string.sub(spelling, 2)}
