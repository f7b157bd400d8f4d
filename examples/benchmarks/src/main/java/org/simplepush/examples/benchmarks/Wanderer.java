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
  private static final long PATIENCE_MILLIS = 10_000;

  private final Survival cast;
  private final int number;
  private final Pledge[] channels;

  /** So many of the channels have an endpoint, from the first on. */
  private int registered;

  private @Nullable String uaid;

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
    this.channels = new Pledge[channelCount];
    for (int i = 0; i < channelCount; i++) {
      channels[i] = new Pledge(Channel.id(run, number, i), cast.ledger);
    }
  }

  /** Returns one of the channels, or null if it has no endpoint. */
  @Nullable Pledge channel(int index) {
    return channels[index].request == null ? null : channels[index];
  }

  /** Notes that the server answered a PUT with 200. */
  void accept(Pledge channel, long version) {
    long now = System.nanoTime();
    channel.accept(version, now, reachable(now));
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
    setReachable(false);
    Visit visit = new Visit(cast.anyNode().target(), current != null);
    current = visit;
    visit.connect(null);
    cast.timers.after(PATIENCE_MILLIS, visit::giveUpUnlessReady);
  }

  /** Comes back and stays from now on, listens, and acknowledges at once. */
  void calmDown() {
    calm = true;
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
    boolean longer = !calm && cast.chance(20);
    away(visit, longer ? 2000 + cast.upTo(6000) : cast.upTo(1000));
  }

  // What it does on its own

  private void doSomethingLater(Visit visit) {
    cast.timers.after(200 + cast.upTo(6000), () -> doSomething(visit));
  }

  private void doSomething(Visit visit) {
    if (calm || visit != current || !visit.isReady()) {
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

  /** One connection. */
  private final class Visit extends DeviceConnection {
    private enum State {
      OPENING,
      GREETING,
      REGISTERING,
      READY,
      OVER
    }

    private final boolean takesOver;
    private State state = State.OPENING;

    /** Gets what comes and forgets it at once, like a device that crashes all the time. */
    private boolean deaf;

    /** The highest version of each channel that came on this connection. */
    private final long[] seen = new long[channels.length];

    /** To a node, while an older connection is open or not. */
    Visit(Target target, boolean takesOver) {
      super(cast.loop, target);
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
      away(this, 50 + cast.upTo(450));
    }

    @Override
    void received(ByteBuffer in) {
      if (this != current) {
        in.position(in.limit());
        return;
      }
      try {
        super.received(in);
      } catch (WireException e) {
        cast.ledger.failures.add("A device failed: " + e.getMessage());
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
    void upgraded() {
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
        ledger.freshUaids++;
        ledger.failures.add("State was lost: a device was given a fresh UAID");
        registered = 0;
        recovering = true;
        for (Pledge channel : channels) {
          channel.request = null;
        }
      }
      uaid = given;
      state = State.REGISTERING;
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
          cast.ledger.failures.add("An older version came after a newer one on one connection");
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
      return "Visit[" + number + ", " + state + "]";
    }
  }
}
