package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A device that connects and disconnects at random, sometimes without closing the connection, and
 * keeps the rules of the protocol: it never forgets a version that it holds, and starts over when
 * it is given a fresh UAID. Confined to its loop.
 */
final class RoamingDevice {
  private static final int LATE_MILLIS = 4000;

  /** Whether it disconnects only in {@link #sendAndMove}. */
  private final boolean stays;

  private final Survival survival;
  private final int number;
  private final ChannelAccount[] channels;

  /** How many of the channels have an endpoint; these are the first ones. */
  private int registered;

  private @Nullable String uaid;

  /** When it was given its UAID. */
  private long uaidSince;

  /** A second connection, on which no hello was sent yet. */
  private @Nullable Connection spare;

  /** When {@link #sendAndMove} last made it connect to another node. */
  private long movedAt = System.nanoTime();

  /** The newest connection; messages on older ones are ignored. Null when disconnected. */
  private @Nullable Connection current;

  private boolean settled;

  /** Whether it starts over because the server lost its state. */
  private boolean recovering;

  // How long it was connected and listening.
  private boolean reachable;
  private long reachableSince;
  private long reachableBefore;

  RoamingDevice(Survival survival, int run, int number, int channelCount) {
    this.survival = survival;
    this.number = number;
    this.stays = number % survival.behaviour.oneInStays() == 0;
    this.channels = new ChannelAccount[channelCount];
    for (int i = 0; i < channelCount; i++) {
      channels[i] = new ChannelAccount(Channel.id(run, number, i), survival.statistics);
    }
  }

  /** Returns one of the channels, or null if it has no endpoint. */
  @Nullable ChannelAccount channel(int index) {
    return channels[index].request == null ? null : channels[index];
  }

  /**
   * Notes the answer to a PUT that was sent when the channel had that registration.
   *
   * @return whether the store could do what it was asked for
   */
  boolean answered(ChannelAccount channel, int registration, long version, int status) {
    RunStatistics statistics = survival.statistics;
    if (status == 429 || status >= 500) {
      statistics.refused++;
      return false;
    }
    if (registration != channel.registration()) {
      return true; // the device has given the channel up since
    }
    if (status == 200) {
      long now = System.nanoTime();
      channel.accept(version, now, reachable(now));
      return true;
    }
    statistics.denied++;
    if (survival.mayBeLost(uaidSince)) {
      statistics.excusedDenials++;
    } else {
      survival.note(
          "DENIED with "
              + status
              + ": channel "
              + Arrays.asList(channels).indexOf(channel)
              + " of "
              + this);
      statistics.failures.add("A PUT to a registered channel was answered with " + status);
    }
    return true;
  }

  /**
   * Returns since when it has lacked a confirmed version while it stayed connected to one node;
   * null if it lacks none, or disconnects at random.
   */
  @Nullable Long owedSince() {
    if (!stays && !settled) {
      return null;
    }
    Long oldest = null;
    for (ChannelAccount channel : channels) {
      Long since = channel.owedSince();
      if (since != null && (oldest == null || since - oldest < 0)) {
        oldest = since;
      }
    }
    return oldest == null || oldest - movedAt > 0 ? oldest : Long.valueOf(movedAt);
  }

  private long reachable(long now) {
    return reachableBefore + (reachable ? now - reachableSince : 0);
  }

  private void setReachable(boolean to) {
    long now = System.nanoTime();
    reachableBefore = reachable(now);
    reachableSince = now;
    reachable = to;
  }

  void connect() {
    if (current != null && !current.isReady()) {
      return; // it is connecting already
    }
    connectTo(survival.anyNode());
  }

  private void connectTo(Survival.Node node) {
    if (spare != null) {
      spare.reset(); // to its node the one that it accepted later is the newest
      spare = null;
    }
    Connection connection = new Connection(node, current != null);
    begin(connection);
    connection.connect(null);
  }

  private void begin(Connection connection) {
    setReachable(false);
    current = connection;
    survival.timers.after(survival.behaviour.patienceMillis(), connection::giveUpUnlessReady);
  }

  /** Stays connected from now on, takes every update, and acknowledges it without delay. */
  void settle() {
    settled = true;
    if (!stays) {
      movedAt = System.nanoTime();
    }
    Connection connection = current;
    if (connection == null) {
      connect();
    } else if (connection.deaf) {
      connection.reset();
      away(connection, 0);
    }
  }

  /** Whether it is connected, with all channels registered. */
  boolean isConnected() {
    return current != null && current.isReady() && !current.deaf;
  }

  /** Returns how many channels hold less than was promised. */
  int behind() {
    return (int) Arrays.stream(channels).filter(ChannelAccount::isBehind).count();
  }

  private void away(Connection connection, long millis) {
    if (current == connection) {
      current = null;
      setReachable(false);
      survival.timers.after(millis, this::connectUnlessConnected);
    }
  }

  private void connectUnlessConnected() {
    if (current == null) {
      connect();
    }
  }

  private void awayForAWhile(Connection connection) {
    if (stays) {
      away(connection, 50 + survival.upTo(450));
      return;
    }
    boolean longer = !settled && survival.chance(20);
    away(connection, longer ? 2000 + survival.upTo(6000) : survival.upTo(1000));
  }

  // What the fault injector makes it do

  /**
   * Opens a second connection to a node that will soon stop responding, and sometimes gives its
   * last channel up.
   */
  void prepareToMove(Survival.Node node) {
    Connection connection = current;
    if (settled || connection == null || !connection.isReady()) {
      return;
    }
    if (survival.chance(50)) {
      connection.unregisterLast();
    }
    Connection second = new Connection(node, true);
    spare = second;
    second.connect(null);
  }

  /**
   * Sends a message to a node that does not respond now, gives up waiting and connects to another,
   * so that the message arrives late. Only after {@link #prepareToMove}.
   */
  void sendAndMove(Survival.Node node) {
    Connection second = spare;
    Connection connection = current;
    spare = null;
    if (settled || second == null) {
      return;
    }
    if (connection != null
        && connection.isReady()
        && connection.node.equals(node)
        && survival.chance(50)) {
      connection.unregisterLast();
      if (survival.chance(50)) {
        connection.registerAgain();
      }
    } else if (second.upgraded) {
      begin(second);
      second.greet();
    }
    survival.timers.after(
        survival.upTo(1500),
        () -> {
          Connection left = current;
          movedAt = System.nanoTime();
          connectTo(survival.otherNode(node));
          for (Connection old : new Connection[] {left, connection, second}) {
            if (old != null) {
              survival.timers.after(survival.upTo(LATE_MILLIS), () -> leaveOld(old));
            }
          }
        });
  }

  private void leaveOld(Connection old) {
    if (old != current) {
      old.reset();
    }
  }

  // What it does at random

  private void actLater(Connection connection) {
    survival.timers.after(200 + survival.upTo(6000), () -> act(connection));
  }

  private void act(Connection connection) {
    if (stays || settled || connection != current || !connection.isReady()) {
      return;
    }
    int choice = survival.upTo(100);
    if (choice < 30) {
      connection.reset();
      awayForAWhile(connection);
    } else if (choice < 50) {
      connection.end();
      awayForAWhile(connection);
    } else if (choice < 65) {
      connection.leave();
      awayForAWhile(connection);
    } else if (choice < 85) {
      connect();
      survival.timers.after(survival.upTo(3000), connection::leave);
    } else if (choice < 93) {
      connection.deaf = true;
      setReachable(false);
      actLater(connection);
    } else {
      connection.ping();
      actLater(connection);
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("device " + number + " ");
    text.append(current == null ? "away" : current);
    for (int i = 0; i < channels.length; i++) {
      if (channels[i].isBehind()) {
        text.append("; of channel ").append(i).append(' ').append(channels[i]);
      }
    }
    return text.toString();
  }

  /** One connection. */
  private final class Connection extends DeviceConnection {
    private enum State {
      OPENING,
      GREETING,
      REGISTERING,
      READY,
      OVER
    }

    private final Survival.Node node;
    private final boolean takesOver;
    private boolean upgraded;
    private State state = State.OPENING;

    /** Drops every update that arrives, like a device that crashes all the time. */
    private boolean deaf;

    /** The highest version of each channel that arrived on this connection. */
    private final long[] seen = new long[channels.length];

    /**
     * Creates a connection.
     *
     * @param takesOver whether an older connection of the device is open
     */
    Connection(Survival.Node node, boolean takesOver) {
      super(survival.loop, node.target());
      this.node = node;
      this.takesOver = takesOver;
    }

    @Override
    int channelCount() {
      return channels.length;
    }

    @Override
    byte[] channelId(int channel) {
      return channels[channel].id;
    }

    boolean isReady() {
      return isOpen() && state == State.READY;
    }

    void giveUpUnlessReady() {
      if (this == current && state != State.READY && state != State.OVER) {
        reset();
        awayForAWhile(this);
      }
    }

    @Override
    void broken(String why) {
      state = State.OVER;
      if (this == spare) {
        spare = null;
      }
      away(this, 50 + survival.upTo(450));
    }

    @Override
    void received(ByteBuffer in) {
      if (this != current && this != spare) {
        in.position(in.limit());
        return;
      }
      try {
        super.received(in);
      } catch (WireException e) {
        survival.statistics.failures.add("A device failed: " + e.getMessage());
        survival.note("FAILED (" + e.getMessage() + "): " + RoamingDevice.this);
        reset();
        awayForAWhile(this);
      }
    }

    @Override
    void sentAway(String why) {
      survival.statistics.sentAway++;
      end();
      awayForAWhile(this);
    }

    @Override
    void takenOver(String why) throws WireException {
      survival.statistics.wronglyTakenOver++;
      survival.note("TAKEN OVER WRONGLY: " + RoamingDevice.this);
      if (!survival.behaviour.mayForget()) {
        throw new WireException(why);
      }
      end();
      awayForAWhile(this);
    }

    @Override
    void upgraded() {
      upgraded = true;
      if (this == current) {
        greet();
      }
    }

    void greet() {
      state = State.GREETING;
      sayHello(uaid, registered);
    }

    @Override
    void greeted(MessageScanner message) throws WireException {
      String given = message.uaid;
      if (given == null || state != State.GREETING) {
        throw new WireException("The server sent a hello reply out of turn or without a UAID");
      }
      RunStatistics statistics = survival.statistics;
      if (uaid != null && uaid.equals(given)) {
        statistics.reconnects++;
        if (takesOver) {
          statistics.takeovers++;
        }
      } else if (uaid != null) {
        startOver(statistics);
      }
      if (!given.equals(uaid)) {
        uaid = given;
        uaidSince = System.nanoTime();
      }
      state = State.REGISTERING;
      registerNext();
    }

    private void startOver(RunStatistics statistics) {
      noteReset(statistics);
      registered = 0;
      recovering = true;
      for (ChannelAccount channel : channels) {
        channel.forget();
      }
    }

    private void noteReset(RunStatistics statistics) {
      statistics.freshUaids++;
      if (survival.mayBeLost(uaidSince)) {
        statistics.excusedResets++;
        return;
      }
      survival.note("NEEDLESS RESET of " + RoamingDevice.this);
      if (!survival.behaviour.mayForget()) {
        statistics.failures.add("State was lost: a device was given a fresh UAID");
      }
    }

    /** Gives the last channel up; the first is kept. */
    void unregisterLast() {
      if (registered > 1) {
        channels[--registered].forget();
        unregister(registered);
      }
    }

    void registerAgain() {
      state = State.REGISTERING;
      setReachable(false);
      survival.timers.after(survival.behaviour.patienceMillis(), this::giveUpUnlessReady);
      registerNext();
    }

    private void registerNext() {
      if (registered < channels.length) {
        register(registered);
        return;
      }
      recovering = false;
      state = State.READY;
      setReachable(true);
      actLater(this);
    }

    @Override
    void registered(MessageScanner message) throws WireException {
      String endpoint = message.pushEndpoint;
      if (endpoint == null || message.channel != registered || state != State.REGISTERING) {
        throw new WireException("The server sent a register reply that nobody asked for");
      }
      seen[registered] = 0;
      ChannelAccount channel = channels[registered++];
      channel.request = loop.wire.begin().ascii(target.putRequest(endpoint)).copy();
      if (recovering) {
        long now = System.nanoTime();
        channel.synchronise(now, reachable(now));
      }
      registerNext();
    }

    @Override
    void notified(MessageScanner message) {
      if (deaf) {
        return;
      }
      long now = System.nanoTime();
      for (int i = 0; i < message.updates; i++) {
        int index = message.channels[i];
        long version = message.versions[i];
        if (version < seen[index]) {
          survival.statistics.backwards++;
          if (!survival.behaviour.mayForget()) {
            survival.statistics.failures.add(
                "An older version came after a newer one on one connection");
          }
        }
        seen[index] = Math.max(seen[index], version);
        channels[index].hold(version, now, reachable(now));
      }
      ByteBuffer frame = acknowledgement(message);
      int choice = settled ? 0 : survival.upTo(100);
      if (choice < 80) {
        send(frame);
      } else if (choice < 90) { // late, perhaps when there is a newer version already
        ByteBuffer later = ByteBuffer.allocate(frame.remaining()).put(frame).flip();
        survival.timers.after(survival.upTo(2000), () -> send(later));
      } // else the acknowledgement is lost
    }

    @Override
    public String toString() {
      return "at " + node.target().webSocket + ", " + state;
    }
  }
}
