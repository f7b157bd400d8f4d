package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** One connection of a stranger. Confined to its loop. */
abstract class Attacker extends Peer {
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int UNAVAILABLE = 503;

  final Attack attack;
  final SiegeTarget target;

  private final InetSocketAddress to;
  private boolean established;
  private boolean refused;

  Attacker(Attack attack, SiegeTarget target, InetSocketAddress to, @Nullable SSLContext tls) {
    super(target.loop(), tls);
    this.attack = attack;
    this.target = target;
    this.to = to;
  }

  final void begin(InetSocketAddress from) {
    open(to, from);
  }

  /** Whether its connection is open, and the WebSocket if it is one. */
  final boolean isEstablished() {
    return established;
  }

  final void establish() {
    established = true;
  }

  /** Called now and then while the connection is open. */
  void act() {}

  /** Notes an answer or message, and whether it is a refusal. */
  final void answered(boolean refusal) {
    attack.answers++;
    if (refusal && !refused) {
      refused = true;
      attack.refused++;
    }
  }

  final void answered(int status) {
    answered(status == TOO_MANY_REQUESTS || status == UNAVAILABLE);
  }

  /** Ends the connection. */
  final void leave() {
    attack.gone(this);
    reset();
  }

  /** Reads answers of HTTP, if that is what comes. */
  @Override
  void received(ByteBuffer in) throws WireException {
    while (isOpen() && loop.responses.next(in)) {
      answered(loop.responses.status);
    }
  }

  @Override
  final void broken(String why) {
    if (established) {
      attack.ended++;
    } else {
      answered(true);
    }
    attack.gone(this);
  }

  final void say(String ascii) {
    send(loop.wire.begin().ascii(ascii).raw());
  }
}
