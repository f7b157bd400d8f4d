package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A device that comes and goes as it likes, sometimes without a word, and keeps the rules of the
 * protocol: it never forgets what it holds, and starts over when it is given a fresh UAID. Confined
 * to its loop.
 */
final class Wanderer {
  private static final int LATE_MILLIS = 4000;

  /** Whether it leaves only when it is told to. */
  private final boolean stays;

  private final Survival cast;
  private final int number;
  private final Pledge[] channels;

  /** So many of the channels have an endpoint, from the first on. */
  private int registered;

  private @Nullable String uaid;

  /** When it was given its UAID. */
  private long uaidSince;

  /** A connection that is open and has said nothing yet. */
  private @Nullable Visit spare;

  /** When it last went elsewhere because it was told to. */
  private long movedAt = System.nanoTime();

  /** The newest connection; what comes on older ones is ignored. Null when away. */
  private @Nullable Visit current;

  private boolean calm;

  /** Whether it starts over because the server lost its state. */
  private boolean recovering;

  // How long it was connected and listening.
  private boolean reachable;
  private long reachableSince;
  private long reachableBefore;

  Wanderer(Survival cast, int run, int number, int channelCount) {
    this.cast = cast;
    this.number = number;
    this.stays = number % cast.manners.oneInStays() == 0;
    this.channels = new Pledge[channelCount];
    for (int i = 0; i < channelCount; i++) {
      channels[i] = new Pledge(Channel.id(run, number, i), cast.ledger);
    }
  }

  /** Returns one of the channels, or null if it has no endpoint. */
  @Nullable Pledge channel(int index) {
    return channels[index].request == null ? null : channels[index];
  }

  /**
   * Notes the answer to a PUT that was sent when the channel had that registration.
   *
   * @return whether the store could do what it was asked for
   */
  boolean answered(Pledge channel, int registration, long version, int status) {
    Ledger ledger = cast.ledger;
    if (status == 429 || status >= 500) {
      ledger.refused++;
      return false;
    }
    if (registration != channel.registration()) {
      return true; // the device gave the channel up meanwhile
    }
    if (status == 200) {
      long now = System.nanoTime();
      channel.accept(version, now, reachable(now));
      return true;
    }
    ledger.denied++;
    if (cast.mayBeLost(uaidSince)) {
      ledger.excusedDenials++;
    } else {
      cast.note(
          "DENIED with "
              + status
              + ": channel "
              + Arrays.asList(channels).indexOf(channel)
              + " of "
              + this);
      ledger.failures.add("A PUT to a registered channel was answered with " + status);
    }
    return true;
  }

  /**
   * Returns since when it lacks something and is where it is; null if it has all, or comes and goes
   * as it likes.
   */
  @Nullable Long owedSince() {
    if (!stays && !calm) {
      return null;
    }
    Long oldest = null;
    for (Pledge channel : channels) {
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
      return; // has been trying already
    }
    connectTo(cast.anyNode());
  }

  private void connectTo(Survival.Node node) {
    Visit visit = new Visit(node, current != null);
    begin(visit);
    visit.connect(null);
  }

  private void begin(Visit visit) {
    setReachable(false);
    current = visit;
    cast.timers.after(cast.manners.patienceMillis(), visit::giveUpUnlessReady);
  }

  /** Comes back and stays from now on, listens, and acknowledges at once. */
  void calmDown() {
    calm = true;
    if (!stays) {
      movedAt = System.nanoTime();
    }
    Visit visit = current;
    if (visit == null) {
      connect();
    } else if (visit.deaf) {
      visit.reset();
      away(visit, 0);
    }
  }

  /** Whether it is connected, with all channels registered. */
  boolean isThere() {
    return current != null && current.isReady() && !current.deaf;
  }

  /** Returns how many channels hold less than was promised. */
  int behind() {
    return (int) Arrays.stream(channels).filter(Pledge::isBehind).count();
  }

  private void away(Visit visit, long millis) {
    if (current == visit) {
      current = null;
      setReachable(false);
      cast.timers.after(millis, this::connectUnlessThere);
    }
  }

  private void connectUnlessThere() {
    if (current == null) {
      connect();
    }
  }

  private void awayForAWhile(Visit visit) {
    if (stays) {
      away(visit, 50 + cast.upTo(450));
      return;
    }
    boolean longer = !calm && cast.chance(20);
    away(visit, longer ? 2000 + cast.upTo(6000) : cast.upTo(1000));
  }

  // What it is told to do

  /**
   * Opens a second connection to a node that will hear nothing soon, and gives its last channel up,
   * perhaps.
   */
  void prepare(Survival.Node node) {
    Visit visit = current;
    if (calm || visit == null || !visit.isReady()) {
      return;
    }
    if (cast.chance(50)) {
      visit.unregisterLast();
    }
    Visit second = new Visit(node, true);
    spare = second;
    second.connect(null);
  }

  /**
   * Says something to a node that hears nothing now, loses patience and goes to another: so that
   * what it said comes late. Only if it is prepared.
   */
  void worstMoment(Survival.Node node) {
    Visit second = spare;
    Visit visit = current;
    spare = null;
    if (calm || second == null) {
      return;
    }
    if (visit != null && visit.isReady() && visit.node.equals(node) && cast.chance(50)) {
      visit.unregisterLast();
      if (cast.chance(50)) {
        visit.registerAgain();
      }
    } else if (second.upgraded) {
      begin(second);
      second.greet();
    }
    cast.timers.after(
        cast.upTo(1500),
        () -> {
          Visit left = current;
          movedAt = System.nanoTime();
          connectTo(cast.otherNode(node));
          for (Visit old : new Visit[] {left, visit, second}) {
            if (old != null) {
              cast.timers.after(cast.upTo(LATE_MILLIS), () -> leaveOld(old));
            }
          }
        });
  }

  private void leaveOld(Visit old) {
    if (old != current) {
      old.reset();
    }
  }

  // What it does on its own

  private void doSomethingLater(Visit visit) {
    cast.timers.after(200 + cast.upTo(6000), () -> doSomething(visit));
  }

  private void doSomething(Visit visit) {
    if (stays || calm || visit != current || !visit.isReady()) {
      return;
    }
    int choice = cast.upTo(100);
    if (choice < 30) {
      visit.reset();
      awayForAWhile(visit);
    } else if (choice < 50) {
      visit.end();
      awayForAWhile(visit);
    } else if (choice < 65) {
      visit.leave();
      awayForAWhile(visit);
    } else if (choice < 85) {
      connect();
      cast.timers.after(cast.upTo(3000), visit::leave);
    } else if (choice < 93) {
      visit.deaf = true;
      setReachable(false);
      doSomethingLater(visit);
    } else {
      visit.ping();
      doSomethingLater(visit);
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
  private final class Visit extends DeviceConnection {
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

    /** Gets what comes and forgets it at once, like a device that crashes all the time. */
    private boolean deaf;

    /** The highest version of each channel that came on this connection. */
    private final long[] seen = new long[channels.length];

    /** To a node, while an older connection is open or not. */
    Visit(Survival.Node node, boolean takesOver) {
      super(cast.loop, node.target());
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
      away(this, 50 + cast.upTo(450));
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
        cast.ledger.failures.add("A device failed: " + e.getMessage());
        cast.note("FAILED (" + e.getMessage() + "): " + Wanderer.this);
        reset();
        awayForAWhile(this);
      }
    }

    @Override
    void sentAway(String why) {
      cast.ledger.sentAway++;
      end();
      awayForAWhile(this);
    }

    @Override
    void takenOver(String why) throws WireException {
      cast.ledger.ousted++;
      cast.note("OUSTED: " + Wanderer.this);
      if (!cast.manners.mayForget()) {
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
      Ledger ledger = cast.ledger;
      if (uaid != null && uaid.equals(given)) {
        ledger.reconnects++;
        if (takesOver) {
          ledger.takeovers++;
        }
      } else if (uaid != null) {
        startOver(ledger);
      }
      if (!given.equals(uaid)) {
        uaid = given;
        uaidSince = System.nanoTime();
      }
      state = State.REGISTERING;
      registerNext();
    }

    private void startOver(Ledger ledger) {
      noteReset(ledger);
      registered = 0;
      recovering = true;
      for (Pledge channel : channels) {
        channel.forget();
      }
    }

    private void noteReset(Ledger ledger) {
      ledger.freshUaids++;
      if (cast.mayBeLost(uaidSince)) {
        ledger.excusedResets++;
        return;
      }
      cast.note("NEEDLESS RESET of " + Wanderer.this);
      if (!cast.manners.mayForget()) {
        ledger.failures.add("State was lost: a device was given a fresh UAID");
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
      cast.timers.after(cast.manners.patienceMillis(), this::giveUpUnlessReady);
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
      doSomethingLater(this);
    }

    @Override
    void registered(MessageScanner message) throws WireException {
      String endpoint = message.pushEndpoint;
      if (endpoint == null || message.channel != registered || state != State.REGISTERING) {
        throw new WireException("The server sent a register reply that nobody asked for");
      }
      seen[registered] = 0;
      Pledge channel = channels[registered++];
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
          cast.ledger.backwards++;
          if (!cast.manners.mayForget()) {
            cast.ledger.failures.add("An older version came after a newer one on one connection");
          }
        }
        seen[index] = Math.max(seen[index], version);
        channels[index].hold(version, now, reachable(now));
      }
      ByteBuffer frame = acknowledgement(message);
      int choice = calm ? 0 : cast.upTo(100);
      if (choice < 80) {
        send(frame);
      } else if (choice < 90) { // late, perhaps when there is a newer version already
        ByteBuffer later = ByteBuffer.allocate(frame.remaining()).put(frame).flip();
        cast.timers.after(cast.upTo(2000), () -> send(later));
      } // else the acknowledgement is lost
    }

    @Override
    public String toString() {
      return "at " + node.target().webSocket + ", " + state;
    }
  }
}
