local key = KEYS[1]
if redis.call('HGET', key, 'r') == ARGV[1] .. ' ' .. ARGV[2] then
  redis.call('HDEL', key, 'r')
end
return {}
