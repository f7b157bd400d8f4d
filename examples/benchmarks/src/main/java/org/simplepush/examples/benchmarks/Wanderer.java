package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A device that comes and goes as it likes, sometimes without a word, and keeps the rules of the
 * protocol: it never forgets what it holds, and starts over when it is given a fresh UAID. Confined
 * to its loop.
 */
final class Wanderer {
  private static final long PATIENCE_MILLIS = 10_000;

  /** What a server says that could not make sense of a device: protocol, data, policy, size. */
  private static final Set<Integer> REPROACHES = Set.of(1002, 1003, 1007, 1008, 1009);

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
    visit.begin();
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
  private final class Visit extends Peer {
    private enum State {
      UPGRADING,
      GREETING,
      REGISTERING,
      READY,
      OVER
    }

    private final Target target;
    private final boolean takesOver;
    private final FrameReader frames = new FrameReader();
    private State state = State.UPGRADING;

    /** Gets what comes and forgets it at once, like a device that crashes all the time. */
    private boolean deaf;

    /** The highest version of each channel that came on this connection. */
    private final long[] seen = new long[channels.length];

    /** To a node, while an older connection is open or not. */
    Visit(Target target, boolean takesOver) {
      super(cast.loop);
      this.target = target;
      this.takesOver = takesOver;
    }

    void begin() {
      open(target.webSocket, null);
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

    /** Ends it as a device does that goes away properly. */
    void leave() {
      if (isOpen()) {
        loop.wire.begin().bytes(new byte[] {0x03, (byte) 0xe9}, 0, 2); // 1001, going away
        send(loop.wire.frame(Wire.CLOSE));
        end();
      }
    }

    void ping() {
      send(loop.wire.begin().ascii("{}").frame(Wire.TEXT));
    }

    @Override
    void connected() {
      send(loop.wire.begin().ascii(target.upgrade).raw());
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
        read(in);
      } catch (WireException e) {
        cast.ledger.failures.add("A device failed: " + e.getMessage());
        reset();
        awayForAWhile(this);
      }
    }

    private void read(ByteBuffer in) throws WireException {
      if (state == State.UPGRADING) {
        if (!loop.responses.next(in)) {
          return;
        }
        if (loop.responses.status >= 500) {
          comeLater();
          return;
        }
        loop.responses.checkUpgrade(Target.ACCEPT);
        state = State.GREETING;
        sayHello();
      }
      while (isOpen() && frames.next(in)) {
        switch (frames.opcode) {
          case Wire.TEXT -> {
            loop.scanner.scan(frames.array, frames.from, frames.to);
            handle(loop.scanner);
          }
          case Wire.CLOSE -> closed();
          case 9 -> {
            loop.wire.begin().bytes(frames.array, frames.from, frames.to - frames.from);
            send(loop.wire.frame(Wire.PONG));
          }
          case Wire.PONG -> {}
          default -> throw new WireException("The server sent a message that is not text");
        }
      }
    }

    private void closed() throws WireException {
      if (frames.to - frames.from >= 2) {
        int high = frames.array[frames.from] & 0xff;
        int low = frames.array[frames.from + 1] & 0xff;
        int code = high << 8 | low;
        if (REPROACHES.contains(code)) {
          throw new WireException("The server closed the WebSocket with code " + code);
        }
      }
      comeLater();
    }

    private void comeLater() {
      cast.ledger.sentAway++;
      end();
      awayForAWhile(this);
    }

    private void sayHello() {
      Wire hello = loop.wire.begin().ascii("{\"messageType\":\"hello\",\"uaid\":\"");
      hello.ascii(uaid == null ? "" : uaid).ascii("\",\"channelIDs\":[");
      for (int i = 0; i < registered; i++) {
        hello.ascii(i == 0 ? "\"" : ",\"").bytes(channels[i].id, 0, channels[i].id.length);
        hello.ascii("\"");
      }
      send(hello.ascii("]}").frame(Wire.TEXT));
    }

    private void handle(MessageScanner message) throws WireException {
      if (message.status >= 500) {
        comeLater();
        return;
      }
      if (message.status != 0 && message.status != 200) {
        throw new WireException(
            "The server answered with status " + message.status + ": " + message.error);
      }
      switch (message.type) {
        case HELLO -> greeted(message);
        case REGISTER -> registered(message);
        case NOTIFICATION -> notified(message);
        case OTHER -> {}
      }
    }

    private void greeted(MessageScanner message) throws WireException {
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
        byte[] id = channels[registered].id;
        loop.wire.begin().ascii("{\"messageType\":\"register\",\"channelID\":\"");
        send(loop.wire.bytes(id, 0, id.length).ascii("\"}").frame(Wire.TEXT));
        return;
      }
      recovering = false;
      state = State.READY;
      setReachable(true);
      doSomethingLater(this);
    }

    private void registered(MessageScanner message) throws WireException {
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

    private void notified(MessageScanner message) throws WireException {
      if (deaf) {
        return;
      }
      long now = System.nanoTime();
      Wire ack = loop.wire.begin().ascii("{\"messageType\":\"ack\",\"updates\":[");
      for (int i = 0; i < message.updates; i++) {
        int index = message.channels[i];
        long version = message.versions[i];
        if (index < 0 || index >= channels.length) {
          throw new WireException("The server sent an update of a channel that is not ours");
        }
        if (version < seen[index]) {
          cast.ledger.backwards++;
          cast.ledger.failures.add("An older version came after a newer one on one connection");
        }
        seen[index] = Math.max(seen[index], version);
        channels[index].hold(version, now, reachable(now));
        ack.ascii(i == 0 ? "{\"channelID\":\"" : ",{\"channelID\":\"");
        ack.bytes(channels[index].id, 0, channels[index].id.length).ascii("\",\"version\":");
        ack.number(version).ascii("}");
      }
      ByteBuffer frame = ack.ascii("]}").frame(Wire.TEXT);
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
