local key = KEYS[1]
local function higher(version, than)
  return #version > #than or (#version == #than and version > than)
end
local function tell(route, word)
  redis.call('PUBLISH', 'simplepush:node:' .. string.match(route, '^%S+'), word)
end
local route = redis.call('HGET', key, 'r')
redis.call('HSET', key, 'r', ARGV[2] .. ' ' .. ARGV[3])
if redis.call('HEXISTS', key, 's') == 0 then
  redis.call('PEXPIRE', key, ARGV[1])
end
local node, connection = string.match(route or '', '^(%S+) (%S+)$')
if node and node ~= ARGV[2] then
  tell(route, 'd ' .. string.sub(key, -32) .. ' ' .. connection)
end
return {}
