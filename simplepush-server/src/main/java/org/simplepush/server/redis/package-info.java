/**
 * A store that several push servers share: {@link org.simplepush.server.redis.RedisVersionStore}.
 *
 * <p>Needs lettuce-core, an optional dependency of this module, and Redis 6.2 or later, or Valkey.
 *
 * <p><strong>What is in Redis.</strong> All there is of a user agent is one hash, named {@code
 * simplepush:} and its UAID in 32 hex digits, so that each step touches one key:
 *
 * <ul>
 *   <li>{@code s}: when it was last seen, in milliseconds by Redis' clock; without it the user
 *       agent is not known
 *   <li>{@code r}: where it is connected: the node, that node's number of the connection, a {@code
 *       :} and the epoch of this claim. When the connection has ended {@code - } stands before it,
 *       so that the epoch does not go back.
 *   <li>{@code g}: the generation it was made in, unless that is 0
 *   <li>a field for each channel, named by the 16 bytes of its id. Its value is the version, after
 *       a {@code -} unless it is pending; nothing but {@code -} if it has none. If the device
 *       writes the id in another way than usual, a {@code :} and what it writes follow.
 * </ul>
 *
 * <p>The key expires a month after the user agent should have been dropped for not being seen.
 *
 * <p>{@code simplepush:sweep} says who drops user agents that are not seen ({@code by}), when that
 * one last looked ({@code at}), how far the clock of Redis was ahead of the sweeper's ({@code
 * apart}), and since when it is another difference ({@code jumped}).
 *
 * <p>{@code simplepush:keys} is the record of the endpoint keys, as text; it never expires.
 *
 * <p>Each node listens to the pub/sub channel {@code simplepush:node:} and a name it gives itself
 * when it joins. The hints are {@code p}, UAID, version and channel id for what was published;
 * {@code d}, UAID and number of a connection that is over; {@code g} and the UAID of somebody who
 * is connected there, but whose channel or all of whose state was gone when somebody wanted to
 * publish; {@code n} and anything by which a node finds out whether hints come to it.
 *
 * <p>{@code simplepush:ticks}, in a cluster a key that begins so on each master, is a hash of the
 * nodes: by the name of a node, a number that it counts up twice a second, or {@code left}. A
 * server that has lost writes has lost ticks. {@code generation} in it counts how often something
 * was lost that no node could restore; user agents of an earlier one start over. It never expires;
 * nodes remove the names of others that have been gone for an hour.
 *
 * <p>{@code simplepush:probe} and what begins so is written and removed to see whether Redis does
 * what the steps need.
 */
@NullMarked
package org.simplepush.server.redis;

import org.jspecify.annotations.NullMarked;
