package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One device: connects, says hello, registers its channels, acknowledges what comes. Confined to
 * its loop.
 */
final class Device extends Peer {
  /** Who waits for a device to get ready. */
  interface Owner {
    /** It said hello and has all its channels. */
    void ready(Device device);

    /** It lost its connection, whether ready or not. */
    void lost(Device device, String why);
  }

  private enum State {
    AWAY,
    CONNECTING,
    UPGRADING,
    GREETING,
    REGISTERING,
    READY
  }

  final Channel[] channels;

  private final Target target;
  private final int number;
  private final Owner owner;
  private FrameReader frames = new FrameReader();
  private State state = State.AWAY;
  private @Nullable String uaid;
  private int registered;
  private long began;

  Device(LoadLoop loop, Target target, int run, int number, int channelCount, Owner owner) {
    super(loop);
    this.target = target;
    this.number = number;
    this.owner = owner;
    this.channels = new Channel[channelCount];
    for (int i = 0; i < channelCount; i++) {
      channels[i] = new Channel(Channel.id(run, number, i));
    }
  }

  /** Connects, for the first time or again. */
  void connect() {
    state = State.CONNECTING;
    frames = new FrameReader();
    began = System.nanoTime();
    try {
      open(target.webSocket, target.source(number));
    } catch (IOException e) {
      broken(String.valueOf(e.getMessage()));
    }
  }

  boolean isReady() {
    return state == State.READY;
  }

  /** Reads no more, as a device does that hangs; its buffers fill. */
  void hang() {
    stopReading();
  }

  /** Reads on. */
  void wake() {
    readOn();
  }

  /** Closes the connection as a device that goes away does. */
  void disconnect() {
    state = State.AWAY;
    loop.wire.begin().bytes(new byte[] {0x03, (byte) 0xe9}, 0, 2); // 1001, going away
    send(loop.wire.frame(Wire.CLOSE));
    end();
  }

  @Override
  void connected() {
    state = State.UPGRADING;
    send(loop.wire.begin().ascii(target.upgrade).raw());
  }

  @Override
  void received(ByteBuffer in) throws IOException {
    if (state == State.UPGRADING) {
      if (!loop.responses.next(in)) {
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
        case Wire.CLOSE -> throw new WireException("The server closed the WebSocket" + closeCode());
        case 9 -> {
          loop.wire.begin().bytes(frames.array, frames.from, frames.to - frames.from);
          send(loop.wire.frame(Wire.PONG));
        }
        case Wire.PONG -> {}
        default -> throw new WireException("The server sent a message that is not text");
      }
    }
  }

  private String closeCode() {
    if (frames.to - frames.from < 2) {
      return "";
    }
    int high = frames.array[frames.from] & 0xff;
    int low = frames.array[frames.from + 1] & 0xff;
    return " with code " + (high << 8 | low);
  }

  private void sayHello() {
    Wire hello = loop.wire.begin().ascii("{\"messageType\":\"hello\",\"uaid\":\"");
    String known = uaid;
    if (known == null) {
      hello.ascii("\",\"channelIDs\":[]}");
    } else {
      hello.ascii(known).ascii("\",\"channelIDs\":[");
      for (int i = 0; i < channels.length; i++) {
        hello.ascii(i == 0 ? "\"" : ",\"").bytes(channels[i].id, 0, channels[i].id.length);
        hello.ascii("\"");
      }
      hello.ascii("]}");
    }
    send(hello.frame(Wire.TEXT));
  }

  private void handle(MessageScanner message) throws WireException {
    switch (message.type) {
      case HELLO -> greeted(message);
      case REGISTER -> registered(message);
      case NOTIFICATION -> notified(message);
      case OTHER -> {
        if (message.status != 0) {
          throw new WireException(
              "The server answered with status "
                  + message.status
                  + " to '"
                  + message.typeName
                  + "': "
                  + message.error);
        }
      }
    }
  }

  private void greeted(MessageScanner message) throws WireException {
    if (message.status != 200 || message.uaid == null || state != State.GREETING) {
      throw new WireException("The server sent a hello reply with status " + message.status);
    }
    if (uaid == null) {
      uaid = message.uaid;
      state = State.REGISTERING;
      registerNext();
    } else if (message.uaid.equals(uaid)) {
      becomeReady();
    } else {
      throw new WireException("The server gave another UAID: it lost its state");
    }
  }

  private void registerNext() {
    if (registered == channels.length) {
      becomeReady();
      return;
    }
    byte[] id = channels[registered].id;
    loop.wire.begin().ascii("{\"messageType\":\"register\",\"channelID\":\"");
    send(loop.wire.bytes(id, 0, id.length).ascii("\"}").frame(Wire.TEXT));
  }

  private void registered(MessageScanner message) throws WireException {
    String endpoint = message.pushEndpoint;
    if (message.status != 200 || endpoint == null || message.channel != registered) {
      throw new WireException(
          "The server sent a register reply with status " + message.status + ": " + message.error);
    }
    target.learn(endpoint);
    channels[registered++].endpoint = endpoint;
    registerNext();
  }

  private void becomeReady() {
    state = State.READY;
    loop.meter.ready++;
    loop.meter.connect.recordValue(System.nanoTime() - began);
    owner.ready(this);
  }

  private void notified(MessageScanner message) throws WireException {
    long now = System.nanoTime();
    loop.meter.messages++;
    Wire ack = loop.wire.begin().ascii("{\"messageType\":\"ack\",\"updates\":[");
    for (int i = 0; i < message.updates; i++) {
      int index = message.channels[i];
      if (index < 0 || index >= channels.length) {
        throw new WireException("The server sent an update of a channel that was never registered");
      }
      Channel channel = channels[index];
      channel.receive(message.versions[i], now, loop.meter);
      ack.ascii(i == 0 ? "{\"channelID\":\"" : ",{\"channelID\":\"");
      ack.bytes(channel.id, 0, channel.id.length).ascii("\",\"version\":");
      ack.number(message.versions[i]).ascii("}");
    }
    send(ack.ascii("]}").frame(Wire.TEXT));
  }

  @Override
  void broken(String why) {
    owner.lost(this, why);
    state = State.AWAY;
  }

  @Override
  public String toString() {
    return "Device[" + number + ", " + state + "]";
  }
}
