local key = KEYS[1]
local mine = ARGV[2] .. ' ' .. ARGV[3]
local route = redis.call('HGET', key, 'r')
if route and route ~= mine then
  return {0}
end
if not route then
  redis.call('HSET', key, 'r', mine)
end
if redis.call('HEXISTS', key, 's') == 0 then
  redis.call('PEXPIRE', key, ARGV[1])
end
return {1}
