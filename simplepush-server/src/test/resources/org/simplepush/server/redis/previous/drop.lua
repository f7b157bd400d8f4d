local key = KEYS[1]
local function drop()
  local route = redis.call('HGET', key, 'r')
  local left = redis.call('PTTL', key)
  redis.call('UNLINK', key)
  if route and left > 0 then
    redis.call('HSET', key, 'r', route)
    redis.call('PEXPIRE', key, math.min(left, 3600000))
  end
end
drop()
return {}
