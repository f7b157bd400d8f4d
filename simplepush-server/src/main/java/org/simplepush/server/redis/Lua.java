package org.simplepush.server.redis;

/** Functions in Lua that several {@link Script}s need. */
final class Lua {
  static final String KEY = "local key = KEYS[1]\n";

  /** The time by Redis' clock, in milliseconds, moved by the second argument. */
  static final String NOW =
      """
      local function now()
        local time = redis.call('TIME')
        return string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
      end
      """;

  /** Removes the user agent. Where it is connected is not its own, and stays. */
  static final String DROP =
      """
      local function drop()
        local route = redis.call('HGET', key, 'r')
        local left = redis.call('PTTL', key)
        redis.call('UNLINK', key)
        if route and left > 0 then
          redis.call('HSET', key, 'r', route)
          redis.call('PEXPIRE', key, math.min(left, 3600000))
        end
      end
      """;

  /** Whether the user agent has no channel. */
  static final String EMPTY =
      """
      local function empty()
        local fields = redis.call('HLEN', key)
        return fields < 4
            and fields - redis.call('HEXISTS', key, 'r') - redis.call('HEXISTS', key, 'g') < 2
      end
      """;

  /** Notes that the user agent was seen; false if there is none. */
  static final String SEE =
      NOW
          + DROP
          + """
          local function lease()
            if ARGV[1] == '0' then
              redis.call('PERSIST', key)
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
          local function respelled(value, spelling)
            return string.match(value, '^-?%d*') .. spelling
          end
          local function respell(id, value, spelling)
            local spelt = respelled(value, spelling)
            if spelt ~= value then
              redis.call('HSET', key, id, spelt)
            end
            return spelt
          end
          """;

  /** Removes the channels that have no spelling, spells the others so, and returns these. */
  static final String KEEP =
      """
      local function keep(all, spellings)
        local kept = {}
        for i = 1, #all, 2 do
          local id, value = all[i], all[i + 1]
          if #id == 16 then
            if not spellings[id] then
              redis.call('HDEL', key, id)
            else
              kept[#kept + 1] = id
              kept[#kept + 1] = respell(id, value, spellings[id])
            end
          end
        end
        return kept
      end
      """;

  /** Appends what is pending of these fields and values: id, version and spelling of each. */
  static final String PENDING =
      """
      local function pending(fields, found)
        found = found or {1}
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
      """;

  /** Whether one version is higher than another or than none. */
  static final String HIGHER =
      """
      local function higher(version, than)
        return #version > #than or (#version == #than and version > than)
      end
      """;

  /** Sends the node of a route a hint. */
  static final String HINT =
      """
      local function hint(route, text)
        local node = string.match(route or '-', '^%S+')
        if node ~= '-' then
          redis.call('PUBLISH', 'simplepush:node:' .. node, text)
        end
      end
      local function displace(route)
        local connection = string.match(route, '^%S+ (%d+)')
        if connection then
          hint(route, 'd ' .. string.sub(key, -32) .. ' ' .. connection)
        end
      end
      """;

  /**
   * Routes and what steps are based on. A route is "node connection:epoch"; after it was released
   * "- " stands before it, which does not count when routes are compared; without a connection it
   * is "- - 0:epoch". Nodes of the version before this one write no epoch. A basis is nothing, a
   * claim written as a route, or = and the route that was seen.
   */
  static final String ROUTE =
      HINT
          + """
          local function bare(route)
            return (string.gsub(route or '', '^%- ', ''))
          end
          local function parse(route)
            return string.match(bare(route), '^(%S+) (%d+):?(%d*)$')
          end
          local function same(route, claim)
            local node, connection = parse(route)
            local mine, number = parse(claim)
            return node ~= nil and node == mine and connection == number
          end
          local function superseded(basis)
            if basis == '' then
              return false
            end
            local route = redis.call('HGET', key, 'r')
            if string.sub(basis, 1, 1) == '=' then
              return bare(route) ~= string.sub(basis, 2)
            end
            local node, _, epoch = parse(route)
            if not node or same(route, basis) then
              return false
            end
            local _, _, mine = parse(basis)
            return epoch == '' or tonumber(epoch) >= tonumber(mine)
          end
          local function restored(claim)
            local route = redis.call('HGET', key, 'r')
            local node, number, mine = parse(claim)
            if same(route, claim) then
              local _, _, epoch = parse(route)
              if epoch ~= '' and tonumber(epoch) > tonumber(mine) then
                mine = epoch
              end
            end
            return node .. ' ' .. number .. ':' .. mine, mine
          end
          local function basis(given, restores)
            if given == '' or string.sub(given, 1, 1) == '=' then
              return string.sub(given, 2)
            end
            local claim, epoch = restored(given)
            local route = restores and redis.call('HGET', key, 'r')
            if restores and route ~= claim then
              redis.call('HSET', key, 'r', claim)
              if route and not same(route, claim) then
                displace(route)
              end
            end
            return epoch
          end
          local function vacant(epoch)
            return string.format('- - 0:%.0f', (tonumber(epoch) or 0) + 1)
          end
          local function raised(given)
            if string.sub(given, 1, 1) ~= '=' then
              return basis(given, true)
            end
            local route = redis.call('HGET', key, 'r')
            local _, _, epoch = parse(route)
            if epoch then
              route = string.gsub(route, ':%d*$', '')
              route = string.format('%s:%.0f', route, (tonumber(epoch) or 0) + 1)
            else
              route = vacant()
            end
            redis.call('HSET', key, 'r', route)
            return bare(route)
          end
          """;

  /** Drops the user agent if it was made before the store lost something for good. */
  static final String GENERATION =
      """
      local function dropIfOlderThan(generation)
        if generation ~= '0'
            and tonumber(redis.call('HGET', key, 'g') or '0') < tonumber(generation) then
          drop()
        end
      end
      """;

  /** As {@code SharedVersionStore.digest}: Lua's numbers hold half of it at a time. */
  static final String DIGEST =
      """
      local function digest(fields)
        local high, low = 0, 0
        for i = 1, #fields, 2 do
          if #fields[i] == 16 then
            local hash = redis.sha1hex(fields[i])
            high = bit.bxor(high, tonumber(string.sub(hash, 1, 8), 16))
            low = bit.bxor(low, tonumber(string.sub(hash, 9, 16), 16))
          end
        end
        return bit.tohex(high) .. bit.tohex(low)
      end
      """;

  private Lua() {}
}
