package org.simplepush.server.internal.session;

import org.simplepush.core.MessageCodec;
import org.simplepush.server.internal.Counters;

/** Begins the conversations of a server, and has what all of them share. */
public final class Conversations {
  final ServerSettings settings;
  final MessageCodec codec;
  final Greeter greeter;
  final Counters counters;
  final PingLimit pings;

  public Conversations(
      ServerSettings settings, MessageCodec codec, Greeter greeter, Counters counters) {
    this.settings = settings;
    this.codec = codec;
    this.greeter = greeter;
    this.counters = counters;
    this.pings = new PingLimit(settings.pingMinInterval().toNanos());
  }

  /** A device has connected. By the loop of the wire. */
  public Conversation begin(Wire wire) {
    return new Conversation(this, wire, greeter.nextNumber());
  }
}
