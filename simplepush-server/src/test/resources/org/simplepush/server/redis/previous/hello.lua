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
local function pending(fields)
  local found = {1}
  for i = 1, #fields, 2 do
    local id = fields[i]
    if #id == 16 then
      local version, spelling = string.match(fields[i + 1], '^(%d+):?(.*)$')
      if version then
        found[#found + 1] = id
        found[#found + 1] = version
        found[#found + 1] = spelling
      end
    end
  end
  return found
end
local listed = ARGV[3] == '1'
if not see() then
  if not listed or #ARGV > 3 then
    return {0}
  end
  redis.call('HSET', key, 's', now())
  lease()
  return {1}
end
local all = redis.call('HGETALL', key)
if not listed then
  return pending(all)
end
local known = {}
for i = 1, #all, 2 do
  known[all[i]] = all[i + 1]
end
local spellings = {}
for i = 4, #ARGV, 2 do
  if not known[ARGV[i]] then
    drop()
    return {2}
  end
  spellings[ARGV[i]] = ARGV[i + 1]
end
local kept = {}
local removed = false
for i = 1, #all, 2 do
  local id, value = all[i], all[i + 1]
  if #id == 16 then
    if not spellings[id] then
      redis.call('HDEL', key, id)
      removed = true
    else
      kept[#kept + 1] = id
      kept[#kept + 1] = respell(id, value, spellings[id])
    end
  end
end
if removed then
  lease()
end
return pending(kept)
