package org.simplepush.server.sqlite;

import java.nio.ByteBuffer;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/**
 * What each step of the store does to the tables, within the transaction that the writer began. One
 * thread, so a step may read first and write then.
 */
final class VersionTables {
  /** How many user agents expire in one go: others wait meanwhile. */
  private static final int EXPIRED_AT_ONCE = 500;

  /** How many are looked at in one go for whether they have a channel. */
  private static final int SEARCHED_AT_ONCE = 2_000;

  private static final int PROBE_BYTES = 16 * 1024;

  private final Sightings sightings;
  private final StoreClock clock;
  private final Census census;

  private final PreparedStatement selectSeen;
  private final PreparedStatement insertUserAgent;
  private final PreparedStatement updateSeen;
  private final PreparedStatement deleteUserAgent;
  private final PreparedStatement deleteChannels;
  private final PreparedStatement selectNotSeen;
  private final PreparedStatement selectWhetherEmpty;
  private final PreparedStatement selectChannels;
  private final PreparedStatement selectPending;
  private final PreparedStatement countChannels;
  private final PreparedStatement selectChannel;
  private final PreparedStatement insertChannel;
  private final PreparedStatement deleteChannel;
  private final PreparedStatement updateSpelling;
  private final PreparedStatement raise;
  private final PreparedStatement clear;
  private final PreparedStatement insertProbe;
  private final PreparedStatement deleteProbe;
  private final PreparedStatement selectKeyRecord;
  private final PreparedStatement insertKeyRecord;
  private final PreparedStatement updateKeyRecord;
  private final PreparedStatement selectAnyUserAgent;

  /** Dropped because they turned up while expiring; to be counted with the next lot. */
  private int expiredBeforehand;

  /** One channel as it is stored. */
  private record Channel(ChannelId id, long version, boolean pending) {
    Update update() {
      return new Update(id, version);
    }
  }

  VersionTables(Database database, Sightings sightings, StoreClock clock, Census census)
      throws SQLException {
    this.sightings = sightings;
    this.clock = clock;
    this.census = census;
    selectSeen = database.prepare("SELECT seen FROM user_agent WHERE uaid = ?");
    insertUserAgent = database.prepare("INSERT INTO user_agent (uaid, seen) VALUES (?, ?)");
    updateSeen = database.prepare("UPDATE user_agent SET seen = ?2 WHERE uaid = ?1 AND seen < ?2");
    deleteUserAgent = database.prepare("DELETE FROM user_agent WHERE uaid = ?");
    deleteChannels = database.prepare("DELETE FROM channel WHERE uaid = ?");
    selectNotSeen = database.prepare("SELECT uaid FROM user_agent WHERE seen <= ? LIMIT ?");
    selectWhetherEmpty =
        database.prepare(
            "SELECT uaid, seen, NOT EXISTS (SELECT 1 FROM channel WHERE uaid = u.uaid)"
                + " FROM user_agent AS u WHERE (seen, uaid) > (?, ?) AND seen <= ?"
                + " ORDER BY seen, uaid LIMIT ?");
    selectChannels =
        database.prepare(
            "SELECT channel_id, spelling, version, pending FROM channel WHERE uaid = ?");
    selectPending =
        database.prepare(
            "SELECT channel_id, spelling, version, pending FROM channel"
                + " WHERE uaid = ? AND pending");
    countChannels = database.prepare("SELECT count(*) FROM channel WHERE uaid = ?");
    selectChannel =
        database.prepare(
            "SELECT channel_id, spelling, version, pending FROM channel"
                + " WHERE uaid = ? AND channel_id = ?");
    insertChannel =
        database.prepare(
            "INSERT INTO channel (uaid, channel_id, version, pending, spelling)"
                + " VALUES (?, ?, -1, 0, ?)");
    deleteChannel = database.prepare("DELETE FROM channel WHERE uaid = ? AND channel_id = ?");
    updateSpelling =
        database.prepare("UPDATE channel SET spelling = ?3 WHERE uaid = ?1 AND channel_id = ?2");
    raise =
        database.prepare(
            "UPDATE channel SET version = ?3, pending = 1 WHERE uaid = ?1 AND channel_id = ?2");
    clear =
        database.prepare(
            "UPDATE channel SET pending = 0"
                + " WHERE uaid = ?1 AND channel_id = ?2 AND version <= ?3 AND pending"
                + " RETURNING channel_id, spelling, version, pending");
    insertProbe = database.prepare("INSERT INTO probe (content) VALUES (zeroblob(?))");
    deleteProbe = database.prepare("DELETE FROM probe");
    selectKeyRecord = database.prepare("SELECT record FROM key_record");
    insertKeyRecord =
        database.prepare("INSERT OR IGNORE INTO key_record (id, record) VALUES (1, ?)");
    updateKeyRecord = database.prepare("UPDATE key_record SET record = ?2 WHERE record = ?1");
    selectAnyUserAgent = database.prepare("SELECT EXISTS (SELECT 1 FROM user_agent)");
  }

  /** Returns the latest time written down, 0 if there is none. */
  static long latestSeen(Database database) throws SQLException {
    try (PreparedStatement latest = database.prepare("SELECT max(seen) FROM user_agent");
        ResultSet result = latest.executeQuery()) {
      return result.next() ? result.getLong(1) : 0;
    }
  }

  // User agents

  Resumption hello(Uaid uaid, @Nullable List<ChannelId> channelIds) throws SQLException {
    if (!see(uaid)) {
      if (channelIds == null || !channelIds.isEmpty()) {
        return new Unknown();
      }
      bind(insertUserAgent, uaid).setLong(2, now());
      census.addUserAgents(insertUserAgent.executeUpdate());
      return new Resumption.Resumed(List.of());
    }
    if (channelIds == null) {
      return new Resumption.Resumed(pendingOf(uaid));
    }
    Map<ChannelId, Channel> channels = new HashMap<>();
    for (Channel channel : list(bind(selectChannels, uaid))) {
      channels.put(channel.id(), channel);
    }
    if (!channels.keySet().containsAll(channelIds)) {
      drop(uaid);
      return new Resumption.Diverged();
    }
    Set<ChannelId> listed = new HashSet<>(channelIds);
    for (ChannelId known : channels.keySet()) {
      if (!listed.contains(known)) {
        census.addChannels(-bind(deleteChannel, uaid, known).executeUpdate());
      }
    }
    List<Update> pending = new ArrayList<>();
    Map<ChannelId, ChannelId> spellings = new HashMap<>();
    channelIds.forEach(channelId -> spellings.put(channelId, channelId));
    for (ChannelId channelId : spellings.values()) {
      Channel channel = channels.get(channelId);
      if (channel != null) {
        respell(uaid, channel, channelId);
        if (channel.pending()) {
          pending.add(new Update(channelId, channel.version()));
        }
      }
    }
    return new Resumption.Resumed(pending);
  }

  @Nullable Void drop(Uaid uaid) throws SQLException {
    sightings.forget(uaid);
    census.addChannels(-bind(deleteChannels, uaid).executeUpdate());
    census.addUserAgents(-bind(deleteUserAgent, uaid).executeUpdate());
    return null;
  }

  Pending pending(Uaid uaid) throws SQLException {
    return see(uaid) ? new Pending.Known(pendingOf(uaid)) : new Unknown();
  }

  private List<Update> pendingOf(Uaid uaid) throws SQLException {
    List<Update> pending = new ArrayList<>();
    for (Channel channel : list(bind(selectPending, uaid))) {
      pending.add(channel.update());
    }
    return List.copyOf(pending);
  }

  /** Notes that a user agent has shown itself; false if there is none. */
  private boolean see(Uaid uaid) throws SQLException {
    if (!isKnown(uaid)) {
      return false;
    }
    sightings.add(uaid, now());
    return true;
  }

  private boolean isKnown(Uaid uaid) throws SQLException {
    long seen;
    try (ResultSet result = bind(selectSeen, uaid).executeQuery()) {
      if (!result.next()) {
        return false;
      }
      seen = result.getLong(1);
    }
    if (sightings.isExpiring() && sightings.latest(uaid, seen) <= sightings.expiredUpTo()) {
      drop(uaid);
      expiredBeforehand++;
      return false;
    }
    return true;
  }

  /** Never a time that is condemned. */
  private long now() {
    long now = clock.millis();
    return sightings.isExpiring() ? Math.max(now, sightings.expiredUpTo() + 1) : now;
  }

  // Channels

  Registration register(Uaid uaid, ChannelId channelId, int maxChannels) throws SQLException {
    if (!see(uaid)) {
      return new Unknown();
    }
    Channel channel = find(uaid, channelId);
    if (channel != null) {
      respell(uaid, channel, channelId);
      return new Registration.Registered();
    }
    try (ResultSet count = bind(countChannels, uaid).executeQuery()) {
      if (count.next() && count.getLong(1) >= maxChannels) {
        return new Registration.LimitReached();
      }
    }
    bind(insertChannel, uaid, channelId).setString(3, unusualSpelling(channelId));
    census.addChannels(insertChannel.executeUpdate());
    return new Registration.Registered();
  }

  @Nullable Void unregister(Uaid uaid, ChannelId channelId) throws SQLException {
    if (see(uaid)) {
      census.addChannels(-bind(deleteChannel, uaid, channelId).executeUpdate());
    }
    return null;
  }

  /** Raises to {@code version}, or if allowed to the one that follows. */
  Advance advance(Uaid uaid, ChannelId channelId, long version, boolean orNext)
      throws SQLException {
    Channel channel = sightings.isExpiring() && !isKnown(uaid) ? null : find(uaid, channelId);
    if (channel == null) {
      return new Unknown();
    }
    long next = version;
    if (next <= channel.version()) {
      if (!orNext) {
        return next == channel.version() ? new Advance.Repeated() : new Advance.Stale();
      }
      if (channel.version() == Long.MAX_VALUE) {
        return new Advance.Stale();
      }
      next = channel.version() + 1;
    }
    bind(raise, uaid, channelId).setLong(3, next);
    raise.executeUpdate();
    return new Advance.Advanced(new Update(channel.id(), next), channel.pending());
  }

  List<Update> acknowledge(Uaid uaid, List<Update> updates) throws SQLException {
    List<Update> cleared = new ArrayList<>();
    if (see(uaid)) {
      for (Update update : updates) {
        bind(clear, uaid, update.channelId()).setLong(3, update.version());
        list(clear).forEach(channel -> cleared.add(channel.update()));
      }
    }
    return List.copyOf(cleared);
  }

  private @Nullable Channel find(Uaid uaid, ChannelId channelId) throws SQLException {
    List<Channel> found = list(bind(selectChannel, uaid, channelId));
    return found.isEmpty() ? null : found.get(0);
  }

  private void respell(Uaid uaid, Channel channel, ChannelId now) throws SQLException {
    if (!channel.id().text().equals(now.text())) {
      bind(updateSpelling, uaid, now).setString(3, unusualSpelling(now));
      updateSpelling.executeUpdate();
    }
  }

  private static @Nullable String unusualSpelling(ChannelId channelId) {
    String usual = channelId.value().toString();
    return channelId.text().equals(usual) ? null : channelId.text();
  }

  private static List<Channel> list(PreparedStatement select) throws SQLException {
    List<Channel> channels = new ArrayList<>(1);
    try (ResultSet result = select.executeQuery()) {
      while (result.next()) {
        String spelling = result.getString(2);
        ChannelId id =
            spelling == null ? ChannelId.of(uuid(result.getBytes(1))) : ChannelId.parse(spelling);
        channels.add(new Channel(id, result.getLong(3), result.getBoolean(4)));
      }
    }
    return channels;
  }

  // Expiry

  /** Condemns whoever was last seen so long ago; {@link #expire} carries it out. */
  void condemn(long notSeenForMillis) {
    sightings.condemn(now() - notSeenForMillis);
  }

  /**
   * Drops some of the condemned.
   *
   * @return how many; the last time it is fewer than {@link #EXPIRED_AT_ONCE}
   */
  int expire() throws SQLException {
    writeSightings();
    selectNotSeen.setLong(1, sightings.expiredUpTo());
    selectNotSeen.setInt(2, EXPIRED_AT_ONCE);
    List<Uaid> condemned = new ArrayList<>();
    try (ResultSet result = selectNotSeen.executeQuery()) {
      while (result.next()) {
        condemned.add(Uaid.of(uuid(result.getBytes(1))));
      }
    }
    for (Uaid uaid : condemned) {
      drop(uaid);
    }
    if (condemned.size() < EXPIRED_AT_ONCE) {
      sightings.carriedOut();
    }
    int dropped = condemned.size() + expiredBeforehand;
    expiredBeforehand = 0;
    return dropped;
  }

  /**
   * How far the search for user agents without a channel has come: up to this time and this user
   * agent of those seen then, null for none of them. Whoever loses the last channel is seen at that
   * moment, so nobody seen earlier need be looked at again.
   */
  record Searched(long seen, @Nullable Uaid last) {
    static final Searched NOTHING = new Searched(Long.MIN_VALUE, null);
  }

  /** How far a search came, whether that is the end, and how many it dropped. */
  record Search(Searched searched, boolean isOver, int dropped) {}

  /** Looks at some user agents last seen so long ago, and drops those without a channel. */
  Search expireEmpty(long notSeenForMillis, Searched from) throws SQLException {
    writeSightings();
    long upTo = now() - notSeenForMillis;
    selectWhetherEmpty.setLong(1, from.seen());
    selectWhetherEmpty.setBytes(2, from.last() == null ? new byte[0] : bytes(from.last().value()));
    selectWhetherEmpty.setLong(3, upTo);
    selectWhetherEmpty.setInt(4, SEARCHED_AT_ONCE);
    List<Uaid> empty = new ArrayList<>();
    Searched last = from;
    int looked = 0;
    try (ResultSet result = selectWhetherEmpty.executeQuery()) {
      while (result.next()) {
        Uaid uaid = Uaid.of(uuid(result.getBytes(1)));
        last = new Searched(result.getLong(2), uaid);
        looked++;
        if (result.getBoolean(3)) {
          empty.add(uaid);
        }
      }
    }
    for (Uaid uaid : empty) {
      drop(uaid);
    }
    boolean isOver = looked < SEARCHED_AT_ONCE;
    // Those seen at the very end of the time may yet lose their channels at that same moment.
    return new Search(isOver ? new Searched(last.seen(), null) : last, isOver, empty.size());
  }

  /** Whether {@link #expire} has more to do. */
  boolean isExpiring() {
    return sightings.isExpiring();
  }

  // Sightings and health

  boolean sightingsAreDue() {
    return sightings.isDue(clock.millis());
  }

  void writeSightings() throws SQLException {
    for (Map.Entry<Uaid, Long> sighting : sightings.take(clock.millis()).entrySet()) {
      bind(updateSeen, sighting.getKey()).setLong(2, sighting.getValue());
      updateSeen.executeUpdate();
    }
  }

  /** Does what fails if the file can neither grow nor be written to. */
  @Nullable Void probe() throws SQLException {
    insertProbe.setInt(1, PROBE_BYTES);
    insertProbe.executeUpdate();
    deleteProbe.executeUpdate();
    return null;
  }

  // The record of the endpoint keys

  Optional<String> keyRecord() throws SQLException {
    try (ResultSet result = selectKeyRecord.executeQuery()) {
      return result.next() ? Optional.of(result.getString(1)) : Optional.empty();
    }
  }

  boolean replaceKeyRecord(@Nullable String expected, String replacement) throws SQLException {
    if (expected == null) {
      insertKeyRecord.setString(1, replacement);
      return insertKeyRecord.executeUpdate() == 1;
    }
    updateKeyRecord.setString(1, expected);
    updateKeyRecord.setString(2, replacement);
    return updateKeyRecord.executeUpdate() == 1;
  }

  boolean hasUserAgents() throws SQLException {
    try (ResultSet result = selectAnyUserAgent.executeQuery()) {
      return result.next() && result.getBoolean(1);
    }
  }

  // Ids

  private static PreparedStatement bind(PreparedStatement statement, Uaid uaid)
      throws SQLException {
    statement.setBytes(1, bytes(uaid.value()));
    return statement;
  }

  private static PreparedStatement bind(PreparedStatement statement, Uaid uaid, ChannelId channelId)
      throws SQLException {
    bind(statement, uaid).setBytes(2, bytes(channelId.value()));
    return statement;
  }

  private static byte[] bytes(UUID id) {
    return ByteBuffer.allocate(16)
        .putLong(id.getMostSignificantBits())
        .putLong(id.getLeastSignificantBits())
        .array();
  }

  private static UUID uuid(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new UUID(buffer.getLong(), buffer.getLong());
  }
}
