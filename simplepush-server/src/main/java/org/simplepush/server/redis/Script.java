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
      Lua.KEEP,
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
      return pending(keep(all, spellings))
      """),

  /**
   * lease, offset, generation, 0 or 1 if there is a list, then each id and how it is spelled. As
   * HELLO, but takes nothing away. Answers with the route too.
   */
  GREET(
      Lua.SEE,
      Lua.PENDING,
      Lua.ROUTE,
      Lua.GENERATION,
      """
      local listed = ARGV[4] == '1'
      local route = bare(redis.call('HGET', key, 'r'))
      dropIfOlderThan(ARGV[3])
      if not see() then
        if not listed or #ARGV > 4 then
          return {0, route}
        end
        redis.call('HSET', key, 's', now())
        if ARGV[3] ~= '0' then
          redis.call('HSET', key, 'g', ARGV[3])
        end
        lease()
        return {1, route}
      end
      local all = redis.call('HGETALL', key)
      if listed then
        local known = {}
        for i = 1, #all, 2 do
          known[all[i]] = all[i + 1]
        end
        all = {}
        for i = 5, #ARGV, 2 do
          local value = known[ARGV[i]]
          if not value then
            return {2, route}
          end
          all[#all + 1] = ARGV[i]
          all[#all + 1] = respelled(value, ARGV[i + 1])
        end
      end
      return pending(all, {1, route})
      """),

  /**
   * lease, offset, node and connection as in a route, the route that was seen, 0 or 1 if there is a
   * list, then each id and how it is spelled.
   */
  SETTLE(
      Lua.SEE,
      Lua.KEEP,
      Lua.PENDING,
      Lua.ROUTE,
      Lua.DIGEST,
      """
      local route = redis.call('HGET', key, 'r') or ''
      local node, connection, epoch = parse(route)
      local mine, number = parse(ARGV[3])
      if bare(route) ~= ARGV[4]
          or (node == mine and tonumber(connection) > tonumber(number)) then
        return {0}
      end
      if redis.call('HEXISTS', key, 's') == 0 then
        return {2}
      end
      -- by the clock, so that it is above those of claims that were lost
      epoch = string.format('%.0f', math.max((tonumber(epoch) or 0) + 1, tonumber(now())))
      redis.call('HSET', key, 'r', ARGV[3] .. ':' .. epoch)
      if node and node ~= mine then
        displace(route)
      end
      local kept = redis.call('HGETALL', key)
      if ARGV[5] == '1' then
        local spellings = {}
        for i = 6, #ARGV, 2 do
          spellings[ARGV[i]] = ARGV[i + 1]
        end
        kept = keep(kept, spellings)
      end
      return pending(kept, {1, epoch, digest(kept)})
      """),

  /** lease, offset, the claim, generation. */
  COMPARE(
      Lua.SEE,
      Lua.PENDING,
      Lua.ROUTE,
      Lua.DIGEST,
      Lua.GENERATION,
      """
      if superseded(ARGV[3]) then
        return {0}
      end
      dropIfOlderThan(ARGV[4])
      if not see() then
        return {2}
      end
      local epoch = basis(ARGV[3], true)
      local all = redis.call('HGETALL', key)
      return pending(all, {1, epoch, digest(all)})
      """),

  /** lease, offset, id, spelling, how many channels there may be, basis or nothing. */
  REGISTER(
      Lua.SEE,
      Lua.ROUTE,
      """
      if superseded(ARGV[6]) then
        return {3}
      end
      if not see() then
        return {0, 0, basis(ARGV[6])}
      end
      local value = redis.call('HGET', key, ARGV[3])
      if value then
        respell(ARGV[3], value, ARGV[4])
        return {1, 0, raised(ARGV[6])}
      end
      local channels = redis.call('HLEN', key) - 1 - redis.call('HEXISTS', key, 'r')
          - redis.call('HEXISTS', key, 'g')
      if channels >= tonumber(ARGV[5]) then
        return {2, 0, basis(ARGV[6], true)}
      end
      redis.call('HSET', key, ARGV[3], '-' .. ARGV[4])
      return {1, 1, raised(ARGV[6])}
      """),

  /** lease, offset, id, basis or nothing. */
  UNREGISTER(
      Lua.SEE,
      Lua.ROUTE,
      """
      if superseded(ARGV[4]) then
        return {2}
      end
      if not see() then
        return {1}
      end
      basis(ARGV[4], true)
      if redis.call('HDEL', key, ARGV[3]) == 0 then
        return {1}
      end
      return {0}
      """),

  /** Nothing. */
  DROP(
      Lua.DROP,
      """
      drop()
      return {}
      """),

  /**
   * Basis, which must be the route to the epoch: a higher one says that there are channels the
   * connection does not know of, a lower one that the store has lost the claim just now. A mark
   * with a higher epoch is left for an hour.
   */
  DROP_BASED(
      Lua.ROUTE,
      """
      local route = redis.call('HGET', key, 'r')
      if bare(route) ~= string.gsub(ARGV[1], '^=', '') then
        return {0}
      end
      redis.call('UNLINK', key)
      if route then
        local node, connection, epoch = parse(route)
        redis.call('HSET', key, 'r', vacant(epoch))
        redis.call('PEXPIRE', key, 3600000)
        if not same(route, ARGV[1]) then
          displace(route)
        end
      end
      return {1}
      """),

  /** id, version, id as usually spelled, 1 if the next version will do too. */
  ADVANCE(
      Lua.HIGHER,
      Lua.HINT,
      """
      local value = redis.call('HGET', key, ARGV[1])
      if not value then
        hint(redis.call('HGET', key, 'r'), 'g ' .. string.sub(key, -32))
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
      local text = spelling == '' and ARGV[3] or string.sub(spelling, 2)
      hint(
        redis.call('HGET', key, 'r'),
        'p ' .. string.sub(key, -32) .. ' ' .. reached .. ' ' .. text)
      return {mark == '-' and 3 or 4, reached, string.sub(spelling, 2)}
      """),

  /** lease, offset, then each id and version. Answers with what it cleared, as PENDING does. */
  ACKNOWLEDGE(
      Lua.SEE,
      Lua.HIGHER,
      """
      local cleared = {1}
      if see() then
        for i = 3, #ARGV, 2 do
          local value = redis.call('HGET', key, ARGV[i])
          local version, spelling = string.match(value or '', '^(%d+):?(.*)$')
          if version and not higher(version, ARGV[i + 1]) then
            redis.call('HSET', key, ARGV[i], '-' .. value)
            cleared[#cleared + 1] = ARGV[i]
            cleared[#cleared + 1] = version
            cleared[#cleared + 1] = spelling
          end
        end
      end
      return cleared
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
   * not seen for so many milliseconds, 0 is anybody whatever the clock says; offset; the same as
   * the first for user agents without a channel.
   */
  EXPIRE(
      Lua.NOW,
      Lua.DROP,
      Lua.EMPTY,
      """
      local seen = redis.call('HGET', key, 's')
      local function unseen(millis)
        return millis == '0' or now() - seen >= tonumber(millis)
      end
      if seen and (unseen(ARGV[1]) or (empty() and unseen(ARGV[3]))) then
        drop()
        return {1}
      end
      return {0}
      """),

  /**
   * who sweeps; offset; for how many milliseconds others leave it alone; the sweeper's own time;
   * after how many milliseconds a clock that has jumped is believed. Answers with 0 if it is
   * another's turn, 1 if it is the sweeper's, or 2 and how far a clock has jumped.
   */
  SWEEP(
      Lua.NOW,
      """
      local time = tonumber(now())
      local since = time - (redis.call('HGET', key, 'at') or 0)
      if redis.call('HGET', key, 'by') ~= ARGV[1] and since >= 0 and since < tonumber(ARGV[3]) then
        return {0}
      end
      redis.call('HSET', key, 'by', ARGV[1], 'at', now())
      local apart = time - ARGV[4]
      local jump = apart - (redis.call('HGET', key, 'apart') or apart)
      if math.abs(jump) > 60000 then
        local noticed = redis.call('HGET', key, 'jumped')
        if not noticed then
          redis.call('HSET', key, 'jumped', ARGV[4])
          return {2, string.format('%.0f', jump)}
        end
        if ARGV[4] - noticed < tonumber(ARGV[5]) then
          return {2, string.format('%.0f', jump)}
        end
      end
      redis.call('HDEL', key, 'jumped')
      redis.call('HSET', key, 'apart', string.format('%.0f', apart))
      return {1}
      """),

  /** node and connection as in a route. */
  RELEASE(
      Lua.ROUTE,
      """
      local route = redis.call('HGET', key, 'r')
      if same(route, ARGV[1]) and string.sub(route, 1, 2) ~= '- ' then
        redis.call('HSET', key, 'r', '- ' .. route)
      end
      return {}
      """),

  /**
   * node, its new tick or nothing, the one that must be there (or a higher one) for it to be
   * written, names of nodes to forget; the key is that of the ticks. Answers with what was there.
   */
  TICK(
      """
      local found = redis.call('HGETALL', key)
      if ARGV[2] ~= '' then
        local last = redis.call('HGET', key, ARGV[1]) or '0'
        if tonumber(last) >= tonumber(ARGV[3]) then
          redis.call('HSET', key, ARGV[1], ARGV[2])
        end
        for i = 4, #ARGV do
          redis.call('HDEL', key, ARGV[i])
        end
      end
      return found
      """),

  /**
   * the generation as it was, the new one; the key is that of the ticks. Of those who raise it for
   * the same loss the first succeeds. Answers with what it is then.
   */
  RAISE_GENERATION(
      """
      local generation = redis.call('HGET', key, 'generation') or '0'
      if tonumber(generation) <= tonumber(ARGV[1]) then
        generation = ARGV[2]
        redis.call('HSET', key, 'generation', generation)
      end
      return {tonumber(generation)}
      """),

  /**
   * lease, offset, 1 if the user agent may be made, where it was connected as in a route or
   * nothing, what stands before that in the route, then each id and how it is spelled, or - if it
   * was removed. Does again what is not there. If there is a newer claim, only channels are added:
   * whoever has it may have removed some of them, but one too few would be worse. Who has the claim
   * then does not know of those, which the epoch shows. So it does if the claim is this one: as
   * long as that was lost, an older connection may have changed the channels, even if a comparison
   * has put it back since. Answers with how much was missing, less than 0 if the user agent is.
   */
  REDO(
      Lua.SEE,
      Lua.ROUTE,
      """
      local late = superseded(ARGV[4])
      local missing = 0
      if redis.call('HEXISTS', key, 's') == 0 then
        if late then
          return {0}
        end
        if ARGV[3] ~= '1' then
          return {-1}
        end
        redis.call('HSET', key, 's', now())
        missing = 1
      end
      local route = redis.call('HGET', key, 'r')
      local _, _, epoch = parse(route)
      local _, _, mine = parse(ARGV[4])
      if not late and mine and (tonumber(epoch) or 0) < tonumber(mine) then
        local other = route and string.sub(route, 1, 2) ~= '- ' and not same(route, ARGV[4])
        if not other then
          redis.call('HSET', key, 'r', ARGV[5] .. ARGV[4])
        elseif ARGV[5] == '' then
          redis.call('HSET', key, 'r', ARGV[4])
          displace(route)
        end
      end
      local added = false
      for i = 6, #ARGV, 2 do
        local there = redis.call('HEXISTS', key, ARGV[i]) == 1
        if there and ARGV[i + 1] == '-' and not late then
          redis.call('HDEL', key, ARGV[i])
          missing = missing + 1
        elseif not there and ARGV[i + 1] ~= '-' then
          redis.call('HSET', key, ARGV[i], '-' .. ARGV[i + 1])
          missing = missing + 1
          added = true
        end
      end
      local current = redis.call('HGET', key, 'r')
      if current and (added or same(current, ARGV[4])) then
        raised('=')
      end
      if missing > 0 then
        lease()
      end
      return {missing}
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
