local key = KEYS[1]
local function now()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
end
local function drop()
  local route = redis.call('HGET', key, 'r')
  local left = redis.call('PTTL', key)
  redis.call('UNLINK', key)
  if route and left > 0 then
    redis.call('HSET', key, 'r', route)
    redis.call('PEXPIRE', key, math.min(left, 3600000))
  end
end
local function empty()
  local fields = redis.call('HLEN', key)
  return fields < 3 and fields - redis.call('HEXISTS', key, 'r') < 2
end
local function lease()
  if ARGV[1] == '0' then
    redis.call('PERSIST', key)
  elseif empty() and tonumber(ARGV[1]) > 3600000 then
    redis.call('PEXPIRE', key, 3600000)
  else
    redis.call('PEXPIRE', key, ARGV[1])
  end
end
local function see()
  if redis.call('HEXISTS', key, 's') == 0 then
    return false
  end
  redis.call('HSET', key, 's', now())
  lease()
  return true
end
local function respell(id, value, spelling)
  local spelt = string.match(value, '^-?%d*') .. spelling
  if spelt ~= value then
    redis.call('HSET', key, id, spelt)
  end
  return spelt
end
if see() and redis.call('HDEL', key, ARGV[3]) == 1 then
  lease()
end
return {}
