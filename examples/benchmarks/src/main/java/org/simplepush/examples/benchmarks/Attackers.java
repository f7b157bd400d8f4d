package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.net.ssl.SSLException;

/** All ways in which strangers misuse a server here, each a class. */
final class Attackers {
  private static final String HELLO = "{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}";

  private Attackers() {}

  /** Returns what is done to a server, all at once; what needs TLS only where it is. */
  static List<Attack.Plan> plans(boolean tls) {
    List<Attack.Plan> plans = new ArrayList<>();
    plans.add(new Attack.Plan("long registers, never read", 1500, 40, 1000, NonReader::new));
    plans.add(new Attack.Plan("registers without end", 10, 10, 20, Registrar::new));
    plans.add(new Attack.Plan("hello, then silence", 1000, 30, 0, Silent::new));
    plans.add(new Attack.Plan("unfinished messages of 60 KB", 500, 20, 0, HalfMessage::new));
    plans.add(new Attack.Plan("fragments without end", 50, 10, 50, Fragments::new));
    plans.add(new Attack.Plan("floods of ping frames", 20, 5, 50, PingFlood::new));
    plans.add(new Attack.Plan("the same, pongs not read", 100, 10, 100, UnreadPingFlood::new));
    plans.add(new Attack.Plan("floods of {} pings", 20, 20, 20, EmptyPings::new));
    plans.add(new Attack.Plan("close and ping in one segment", 20, 20, 0, CloseAndPing::new));
    plans.add(new Attack.Plan("slow heads, devices' port", 300, 10, 1000, SlowHead::ofDevice));
    plans.add(new Attack.Plan("slow heads, endpoint port", 300, 10, 1000, SlowHead::ofSender));
    plans.add(new Attack.Plan("slow bodies", 300, 10, 1000, SlowBody::new));
    plans.add(new Attack.Plan("idle, devices' port", 1500, 40, 0, Idle::ofDevice));
    plans.add(new Attack.Plan("idle, endpoint port", 1500, 40, 0, Idle::ofSender));
    plans.add(new Attack.Plan("two requests, then kept alive", 2000, 60, 0, KeptAlive::new));
    plans.add(new Attack.Plan("half a request, devices' port", 100, 5, 0, HalfRequest::ofDevice));
    plans.add(new Attack.Plan("half a request, endpoint port", 100, 5, 0, HalfRequest::ofSender));
    plans.add(new Attack.Plan("half a request, management", 100, 10, 0, HalfRequest::ofManagement));
    plans.add(new Attack.Plan("floods of 404s", 10, 10, 50, NotFoundFlood::new));
    plans.add(new Attack.Plan("tokens where none belong", 10, 10, 0, TokenSpiller::new));
    if (tls) {
      plans.add(new Attack.Plan("half a TLS hello", 300, 10, 0, HalfTls::ofDevice));
      plans.add(new Attack.Plan("half a TLS hello, endpoint port", 300, 10, 0, HalfTls::ofSender));
      plans.add(new Attack.Plan("TLS hello, then silence", 300, 10, 0, HalfTls::whole));
    }
    return plans;
  }

  private static String register(long channel, String padding) {
    return "{\"messageType\":\"register\",\"channelID\":\"%s%032x\"}".formatted(padding, channel);
  }

  /** Has long errors sent to it and never reads one. */
  private static final class NonReader extends WebSocketAttacker {
    private static final String LONG = "x".repeat(60_000);

    NonReader(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      stopReading();
      text(HELLO);
      for (int i = 0; i < 5; i++) {
        text(register(i, LONG));
      }
    }

    /** Finds out whether the connection still is there. */
    @Override
    void act() {
      if (unsentBytes() == 0) {
        send(loop.wire.begin().frame(Wire.PONG));
      }
    }
  }

  /** Registers channels as fast as its turn allows, then is another user agent. */
  private static final class Registrar extends WebSocketAttacker {
    private static final int AT_A_TIME = 5;
    private static final int ENOUGH = 1000;

    private int channels;

    Registrar(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      text(HELLO);
    }

    @Override
    void act() {
      for (int i = 0; i < AT_A_TIME && isOpen() && unsentBytes() == 0; i++) {
        text(register(channels++, ""));
      }
      if (isOpen() && channels >= ENOUGH) {
        leave();
      }
    }
  }

  private static final class Silent extends WebSocketAttacker {
    Silent(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      text(HELLO);
    }
  }

  /** Announces a message and leaves its last byte out. */
  private static final class HalfMessage extends WebSocketAttacker {
    private static final String LONG = "x".repeat(60_000);

    HalfMessage(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      ByteBuffer message = loop.wire.begin().ascii(LONG).frame(Wire.TEXT);
      send(message.limit(message.limit() - 1));
    }
  }

  private static final class Fragments extends WebSocketAttacker {
    private static final byte[] PART = new byte[1000];
    private boolean begun;

    Fragments(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {}

    @Override
    void act() {
      ByteBuffer frame = loop.wire.begin().bytes(PART).frame(begun ? 0 : Wire.TEXT);
      frame.put(frame.position(), (byte) (begun ? 0 : Wire.TEXT)); // not the last one
      begun = true;
      send(frame);
    }
  }

  private static class PingFlood extends WebSocketAttacker {
    private static final byte[] PAYLOAD = new byte[125];
    private static final int AT_A_TIME = 20;

    PingFlood(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {}

    @Override
    void act() {
      for (int i = 0; i < AT_A_TIME && isOpen() && unsentBytes() == 0; i++) {
        send(loop.wire.begin().bytes(PAYLOAD).frame(Wire.PING));
      }
    }
  }

  private static final class UnreadPingFlood extends PingFlood {
    UnreadPingFlood(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      stopReading();
    }
  }

  private static final class EmptyPings extends WebSocketAttacker {
    EmptyPings(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      text(HELLO);
    }

    @Override
    void act() {
      for (int i = 0; i < 10 && isOpen() && unsentBytes() == 0; i++) {
        text("{}");
      }
    }
  }

  private static final class CloseAndPing extends WebSocketAttacker {
    private static final byte[] CODE = {0x03, (byte) 0xe8}; // 1000

    CloseAndPing(Attack attack, SiegeTarget target) {
      super(attack, target);
    }

    @Override
    void upgraded() {
      ByteBuffer close = loop.wire.begin().bytes(CODE).frame(Wire.CLOSE);
      byte[] both = new byte[close.remaining() + 6];
      close.get(both, 0, close.remaining());
      ByteBuffer ping = loop.wire.begin().frame(Wire.PING);
      ping.get(both, both.length - ping.remaining(), ping.remaining());
      send(ByteBuffer.wrap(both));
    }
  }

  /** Sends one more byte of a head each time. */
  private static final class SlowHead extends Attacker {
    private SlowHead(Attack attack, SiegeTarget target, InetSocketAddress to) {
      super(attack, target, to, target.tls());
    }

    static SlowHead ofDevice(Attack attack, SiegeTarget target) {
      return new SlowHead(attack, target, target.server().webSocket);
    }

    static SlowHead ofSender(Attack attack, SiegeTarget target) {
      return new SlowHead(attack, target, target.endpoint());
    }

    @Override
    void connected() {
      establish();
      say("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    }

    @Override
    void act() {
      say("a");
    }
  }

  /** Sends one more byte of a body each time, to an endpoint that it has itself. */
  private static final class SlowBody extends Attacker {
    SlowBody(Attack attack, SiegeTarget target) {
      super(attack, target, target.endpoint(), target.tls());
    }

    @Override
    void connected() {
      establish();
      say(
          "PUT "
              + target.endpointPath()
              + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
              + "Content-Length: 4000\r\n\r\nversion=");
    }

    @Override
    void act() {
      say("1");
    }
  }

  private static final class Idle extends Attacker {
    private Idle(Attack attack, SiegeTarget target, InetSocketAddress to) {
      super(attack, target, to, target.tls());
    }

    static Idle ofDevice(Attack attack, SiegeTarget target) {
      return new Idle(attack, target, target.server().webSocket);
    }

    static Idle ofSender(Attack attack, SiegeTarget target) {
      return new Idle(attack, target, target.endpoint());
    }

    @Override
    void connected() {
      establish();
    }
  }

  /** Sends two requests with wrong tokens and keeps the connection. */
  private static final class KeptAlive extends Attacker {
    private int requests;

    KeptAlive(Attack attack, SiegeTarget target) {
      super(attack, target, target.endpoint(), target.tls());
    }

    @Override
    void connected() {
      establish();
      request();
    }

    private void request() {
      say(
          "PUT /update/AAAAAAAAAAAAAAAA%d HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nversion=1"
              .formatted(requests++));
    }

    @Override
    void received(ByteBuffer in) throws WireException {
      int before = attack.answers;
      super.received(in);
      if (attack.answers > before && requests == 1 && isOpen()) {
        request();
      }
    }
  }

  private static final class HalfRequest extends Attacker {
    private HalfRequest(Attack attack, SiegeTarget target, InetSocketAddress to, boolean secure) {
      super(attack, target, to, secure ? target.tls() : null);
    }

    static HalfRequest ofDevice(Attack attack, SiegeTarget target) {
      return new HalfRequest(attack, target, target.server().webSocket, true);
    }

    static HalfRequest ofSender(Attack attack, SiegeTarget target) {
      return new HalfRequest(attack, target, target.endpoint(), true);
    }

    static HalfRequest ofManagement(Attack attack, SiegeTarget target) {
      return new HalfRequest(attack, target, target.management(), false);
    }

    @Override
    void connected() {
      establish();
      say("GET /__heartbeat__ HTTP/1.1\r\nHo");
    }
  }

  private static final class NotFoundFlood extends Attacker {
    private static final int AT_A_TIME = 10;
    private static final String REQUEST =
        "PUT /update/BBBBBBBBBBBBBBBBBBBBBB HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nversion=1";

    NotFoundFlood(Attack attack, SiegeTarget target) {
      super(attack, target, target.endpoint(), target.tls());
    }

    @Override
    void connected() {
      establish();
    }

    @Override
    void act() {
      if (unsentBytes() == 0) {
        say(REQUEST.repeat(AT_A_TIME));
      }
    }
  }

  /** Sends a genuine token in requests that make no sense, which must not get into the log. */
  private static final class TokenSpiller extends Attacker {
    private static final List<String> REQUESTS =
        List.of(
            "CONNECT %s HTTP/1.1\r\nHost: a\r\n\r\n",
            "PUT http://[%s HTTP/1.1\r\nHost: a\r\n\r\n",
            "PUT %s HTTP/9.9\r\nHost: a\r\n\r\n",
            "%s\r\n\r\n",
            "PUT %%zz%s HTTP/1.1\r\nHost: a\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: %s\r\n%1$s\r\n\r\n");

    TokenSpiller(Attack attack, SiegeTarget target) {
      super(
          attack,
          target,
          attack.attempts % 2 == 0 ? target.endpoint() : target.server().webSocket,
          target.tls());
    }

    @Override
    void connected() {
      establish();
      say(REQUESTS.get(attack.attempts / 2 % REQUESTS.size()).formatted(target.endpointPath()));
    }

    /** What answers such a request may be no answer that this program reads. */
    @Override
    void received(ByteBuffer in) {
      in.position(in.limit());
      answered(false);
      leave();
    }
  }

  /** Sends the beginning of a TLS handshake. */
  private static final class HalfTls extends Attacker {
    private final boolean half;

    private HalfTls(Attack attack, SiegeTarget target, InetSocketAddress to, boolean half) {
      super(attack, target, to, null);
      this.half = half;
    }

    static HalfTls ofDevice(Attack attack, SiegeTarget target) {
      return new HalfTls(attack, target, target.server().webSocket, true);
    }

    static HalfTls ofSender(Attack attack, SiegeTarget target) {
      return new HalfTls(attack, target, target.endpoint(), true);
    }

    static HalfTls whole(Attack attack, SiegeTarget target) {
      boolean first = attack.attempts % 2 == 0;
      return new HalfTls(
          attack, target, first ? target.endpoint() : target.server().webSocket, false);
    }

    @Override
    void connected() {
      establish();
      try {
        byte[] hello = ClientTls.clientHello(Objects.requireNonNull(target.tls()));
        send(ByteBuffer.wrap(hello, 0, half ? hello.length / 2 : hello.length));
      } catch (SSLException e) {
        loop.failures.fatal("The load program itself failed: " + e);
      }
    }

    @Override
    void received(ByteBuffer in) {
      in.position(in.limit());
    }
  }
}
