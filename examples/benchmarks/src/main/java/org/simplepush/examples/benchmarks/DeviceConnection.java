package org.simplepush.examples.benchmarks;

import static org.simplepush.examples.benchmarks.MessageScanner.Type.HELLO;
import static org.simplepush.examples.benchmarks.MessageScanner.Type.REGISTER;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A device's end of a WebSocket connection: the upgrade, the frames, and the messages that every
 * device says alike. Checks what arrives; subclasses decide what to do with it.
 */
abstract class DeviceConnection extends Peer {
  /** What a server says that could not make sense of a device: protocol, data, size. */
  private static final Set<Integer> REPROACHES = Set.of(1002, 1003, 1007, 1009);

  private static final int POLICY = 1008;
  private static final byte[] GOING_AWAY = {0x03, (byte) 0xe9}; // 1001
  private static final int NO_CODE = 1005;
  private static final int FIRST_OF_SERVERS_TROUBLE = 500;

  final Target target;

  private FrameReader frames = new FrameReader();
  private boolean upgraded;

  DeviceConnection(LoadLoop loop, Target target) {
    super(loop, target.tls);
    this.target = target;
  }

  /** How many channels the device has or wants. */
  abstract int channelCount();

  /** The ID of one of them, in ASCII. */
  abstract byte[] channelId(int channel);

  /** The WebSocket is open: time to say hello. */
  abstract void upgraded();

  /** The hello was answered with status 200. */
  abstract void greeted(MessageScanner reply) throws WireException;

  /** A register was answered with status 200. */
  abstract void registered(MessageScanner reply) throws WireException;

  /** Updates of channels of this device came. */
  abstract void notified(MessageScanner notification);

  /** The server cannot go on, for reasons of its own. */
  abstract void sentAway(String why) throws WireException;

  /** The server closed with a policy code, which it also does when it knows a newer connection. */
  void takenOver(String why) throws WireException {
    throw new WireException(why);
  }

  /** Connects, for the first time or again, from a source address if one is given. */
  final void connect(@Nullable InetSocketAddress from) {
    frames = new FrameReader();
    upgraded = false;
    open(target.webSocket, from);
  }

  // What it sends

  @Override
  final void connected() {
    send(loop.wire.begin().ascii(target.upgrade).raw());
  }

  /** Says hello as a new device, or as one that has its first so many channels. */
  final void sayHello(@Nullable String uaid, int channels) {
    Wire hello = loop.wire.begin().ascii("{\"messageType\":\"hello\",\"uaid\":\"");
    hello.ascii(uaid == null ? "" : uaid).ascii("\",\"channelIDs\":[");
    for (int i = 0; i < channels; i++) {
      hello.ascii(i == 0 ? "\"" : ",\"").bytes(channelId(i)).ascii("\"");
    }
    send(hello.ascii("]}").frame(Wire.TEXT));
  }

  final void register(int channel) {
    loop.wire.begin().ascii("{\"messageType\":\"register\",\"channelID\":\"");
    send(loop.wire.bytes(channelId(channel)).ascii("\"}").frame(Wire.TEXT));
  }

  final void unregister(int channel) {
    loop.wire.begin().ascii("{\"messageType\":\"unregister\",\"channelID\":\"");
    send(loop.wire.bytes(channelId(channel)).ascii("\"}").frame(Wire.TEXT));
  }

  /** Returns the acknowledgement of a notification, valid until something else is written. */
  final ByteBuffer acknowledgement(MessageScanner notification) {
    Wire ack = loop.wire.begin().ascii("{\"messageType\":\"ack\",\"updates\":[");
    for (int i = 0; i < notification.updates; i++) {
      ack.ascii(i == 0 ? "{\"channelID\":\"" : ",{\"channelID\":\"");
      ack.bytes(channelId(notification.channels[i])).ascii("\",\"version\":");
      ack.number(notification.versions[i]).ascii("}");
    }
    return ack.ascii("]}").frame(Wire.TEXT);
  }

  final void ping() {
    send(loop.wire.begin().ascii("{}").frame(Wire.TEXT));
  }

  /** Ends the connection as a device does that goes away properly. */
  final void leave() {
    if (isOpen()) {
      send(loop.wire.begin().bytes(GOING_AWAY).frame(Wire.CLOSE));
      end();
    }
  }

  // What it receives

  @Override
  void received(ByteBuffer in) throws WireException {
    if (!upgraded) {
      if (!loop.responses.next(in)) {
        return;
      }
      if (loop.responses.status >= FIRST_OF_SERVERS_TROUBLE) {
        sentAway("The upgrade was answered with status " + loop.responses.status);
        return;
      }
      loop.responses.checkUpgrade(Target.ACCEPT);
      upgraded = true;
      upgraded();
    }
    while (isOpen() && frames.next(in)) {
      switch (frames.opcode) {
        case Wire.TEXT -> {
          loop.scanner.scan(frames.array, frames.from, frames.to);
          heard(loop.scanner);
        }
        case Wire.CLOSE -> closed(closeCode());
        case Wire.PING -> {
          loop.wire.begin().bytes(frames.array, frames.from, frames.to - frames.from);
          send(loop.wire.frame(Wire.PONG));
        }
        case Wire.PONG -> {}
        default -> throw new WireException("The server sent a message that is not text");
      }
    }
  }

  private int closeCode() {
    if (frames.to - frames.from < 2) {
      return NO_CODE;
    }
    int high = frames.array[frames.from] & 0xff;
    int low = frames.array[frames.from + 1] & 0xff;
    return high << 8 | low;
  }

  private void closed(int code) throws WireException {
    String why = "The server closed the WebSocket with code " + code;
    if (code == POLICY) {
      takenOver(why);
      return;
    }
    if (REPROACHES.contains(code)) {
      throw new WireException(why);
    }
    sentAway(why);
  }

  private void heard(MessageScanner message) throws WireException {
    boolean good = message.status == 200;
    if (!good && (message.status != 0 || message.type == HELLO || message.type == REGISTER)) {
      String why =
          "The server answered with status "
              + message.status
              + " to '"
              + message.typeName
              + "': "
              + message.error;
      if (message.status < FIRST_OF_SERVERS_TROUBLE) {
        throw new WireException(why);
      }
      sentAway(why);
      return;
    }
    switch (message.type) {
      case HELLO -> greeted(message);
      case REGISTER -> registered(message);
      case NOTIFICATION -> {
        for (int i = 0; i < message.updates; i++) {
          if (message.channels[i] < 0 || message.channels[i] >= channelCount()) {
            throw new WireException("The server sent an update of a channel that is not ours");
          }
        }
        notified(message);
      }
      case OTHER -> {}
    }
  }
}
