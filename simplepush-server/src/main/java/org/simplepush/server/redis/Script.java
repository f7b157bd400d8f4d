package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The steps, each a script that Redis runs as one, on the one key of a user agent or on that of the
 * key record (see the package documentation). What a script does before its first write it may do
 * in vain: Redis refuses that write when it has no memory, is a replica or cannot persist, and only
 * that one.
 *
 * <p>Numbers in Lua are doubles, which do not hold every version: versions are compared and counted
 * up as decimal digits.
 */
enum Script {
  /** lease, offset, 0 or 1 if there is a list, then each id and how it is spelled. */
  HELLO(
      Lua.SEE,
      Lua.PENDING,
      """
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
      """),

  /** lease, offset, id, spelling, how many channels there may be. */
  REGISTER(
      Lua.SEE,
      """
      if not see() then
        return {0}
      end
      local value = redis.call('HGET', key, ARGV[3])
      if value then
        respell(ARGV[3], value, ARGV[4])
        return {1}
      end
      local channels = redis.call('HLEN', key) - 1 - redis.call('HEXISTS', key, 'r')
      if channels >= tonumber(ARGV[5]) then
        return {2}
      end
      redis.call('HSET', key, ARGV[3], '-' .. ARGV[4])
      if channels == 0 then
        lease()
      end
      return {1}
      """),

  /** lease, offset, id. */
  UNREGISTER(
      Lua.SEE,
      """
      if see() and redis.call('HDEL', key, ARGV[3]) == 1 then
        lease()
      end
      return {}
      """),

  /** Nothing. */
  DROP(
      Lua.DROP,
      """
      drop()
      return {}
      """),

  /** id, version, id as usually spelled, 1 if the next version will do too. */
  ADVANCE(
      Lua.HIGHER,
      """
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
      """),

  /** lease, offset, then each id and version. */
  ACKNOWLEDGE(
      Lua.SEE,
      Lua.HIGHER,
      """
      if see() then
        for i = 3, #ARGV, 2 do
          local value = redis.call('HGET', key, ARGV[i])
          local version = value and string.match(value, '^%d+')
          if version and not higher(version, ARGV[i + 1]) then
            redis.call('HSET', key, ARGV[i], '-' .. value)
          end
        end
      end
      return {}
      """),

  /** lease, offset. */
  PENDING(
      Lua.SEE,
      Lua.PENDING,
      """
      if not see() then
        return {0}
      end
      return pending(redis.call('HGETALL', key))
      """),

  /**
   * not seen for so many milliseconds, 0 is anybody whatever the clock says; offset; 1 for user
   * agents without a channel only.
   */
  EXPIRE(
      Lua.NOW,
      Lua.DROP,
      Lua.EMPTY,
      """
      if ARGV[3] == '1' and not empty() then
        return {0}
      end
      local seen = redis.call('HGET', key, 's')
      if not seen or (ARGV[1] ~= '0' and now() - seen < tonumber(ARGV[1])) then
        return {0}
      end
      drop()
      return {1}
      """),

  /** lease, node, connection. */
  CLAIM(
      Lua.HIGHER,
      """
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
      """),

  /** lease, node, connection. */
  CONFIRM(
      """
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
      """),

  /** node, connection. */
  RELEASE(
      """
      if redis.call('HGET', key, 'r') == ARGV[1] .. ' ' .. ARGV[2] then
        redis.call('HDEL', key, 'r')
      end
      return {}
      """),

  /** Nothing. */
  IS_USER_AGENT(
      """
      return {redis.call('HEXISTS', key, 's')}
      """),

  /** Nothing; the key is that of the key record. */
  KEY_RECORD(
      """
      return {redis.call('GET', key)}
      """),

  /** the record as it was read, empty if there was none; the new one. */
  REPLACE_KEY_RECORD(
      """
      if (redis.call('GET', key) or '') ~= ARGV[1] then
        return {0}
      end
      redis.call('SET', key, ARGV[2])
      return {1}
      """),

  /**
   * Nothing. Has Redis run every command that the others use, and answers with those that it does
   * not let this user run, or with whatever else keeps it from doing so.
   */
  PROBE(
      """
      local refused, failure = {}, nil
      local function try(command, ...)
        local reply = redis.pcall(command, ...)
        local trouble = type(reply) == 'table' and reply.err
        if not trouble then
          return
        end
        local channel = string.find(trouble, 'channel') and ' to the channels simplepush:*' or ''
        if string.find(trouble, 'user executing') or string.find(trouble, 'ACL failure')
            or string.find(trouble, 'nknown') then
          refused[#refused + 1] = command .. channel
        else
          failure = failure or reply
        end
      end
      try('HSET', key, 's', '0', 'r', '0')
      try('HGET', key, 's')
      try('HGETALL', key)
      try('HEXISTS', key, 's')
      try('HLEN', key)
      try('HDEL', key, 'r')
      try('PEXPIRE', key, '60000')
      try('PTTL', key)
      try('PERSIST', key)
      try('UNLINK', key)
      try('SET', key, '0')
      try('GET', key)
      try('UNLINK', key)
      try('TIME')
      try('PUBLISH', 'simplepush:node:', '')
      return failure or refused
      """);

  /** What several scripts need. */
  private static final class Lua {
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

    /** Whether the user agent has no channel: then it is kept for an hour (protocol §10). */
    static final String EMPTY =
        """
        local function empty()
          local fields = redis.call('HLEN', key)
          return fields < 3 and fields - redis.call('HEXISTS', key, 'r') < 2
        end
        """;

    /** Notes that the user agent was seen; false if there is none. */
    static final String SEE =
        NOW
            + DROP
            + EMPTY
            + """
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
            """;

    /** What is pending of these fields and values: id, version and spelling of each. */
    static final String PENDING =
        """
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
        """;

    /** Whether one version is higher than another or than none; and how to tell a node. */
    static final String HIGHER =
        """
        local function higher(version, than)
          return #version > #than or (#version == #than and version > than)
        end
        local function tell(route, word)
          redis.call('PUBLISH', 'simplepush:node:' .. string.match(route, '^%S+'), word)
        end
        """;
  }

  private final String text;
  private final String digest;

  Script(String... parts) {
    text = Lua.KEY + String.join("", parts);
    digest = sha1(text);
  }

  private static String sha1(String text) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-1").digest(text.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-1", e);
    }
  }

  /** Its source. */
  String text() {
    return text;
  }

  /** By which Redis knows it once it is loaded. */
  String digest() {
    return digest;
  }
}
