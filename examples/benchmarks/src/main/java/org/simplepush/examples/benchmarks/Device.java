package org.simplepush.examples.benchmarks;

import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * One device: connects, says hello, registers its channels, acknowledges what comes. Confined to
 * its loop.
 */
final class Device extends DeviceConnection {
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
    GREETING,
    REGISTERING,
    READY
  }

  final Channel[] channels;

  private final int number;
  private final Owner owner;
  private State state = State.AWAY;
  private @Nullable String uaid;
  private int registered;
  private long began;

  Device(LoadLoop loop, Target target, int run, int number, int channelCount, Owner owner) {
    super(loop, target);
    this.number = number;
    this.owner = owner;
    this.channels = new Channel[channelCount];
    for (int i = 0; i < channelCount; i++) {
      channels[i] = new Channel(Channel.id(run, number, i));
    }
  }

  @Override
  int channelCount() {
    return channels.length;
  }

  @Override
  byte[] channelId(int channel) {
    return channels[channel].id;
  }

  /** Connects, for the first time or again. */
  void connect() {
    state = State.CONNECTING;
    began = System.nanoTime();
    try {
      connect(target.source(number));
    } catch (UnknownHostException e) {
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
    leave();
  }

  @Override
  void upgraded() {
    state = State.GREETING;
    sayHello(uaid, uaid == null ? 0 : channels.length);
  }

  @Override
  void greeted(MessageScanner message) throws WireException {
    if (message.uaid == null || state != State.GREETING) {
      throw new WireException("The server sent a hello reply out of turn or without a UAID");
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
    if (registered < channels.length) {
      register(registered);
    } else {
      becomeReady();
    }
  }

  @Override
  void registered(MessageScanner message) throws WireException {
    String endpoint = message.pushEndpoint;
    if (endpoint == null || message.channel != registered || state != State.REGISTERING) {
      throw new WireException("The server sent a register reply that nobody asked for");
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

  @Override
  void notified(MessageScanner message) {
    long now = System.nanoTime();
    loop.meter.messages++;
    for (int i = 0; i < message.updates; i++) {
      channels[message.channels[i]].receive(message.versions[i], now, loop.meter);
    }
    send(acknowledgement(message));
  }

  @Override
  void sentAway(String why) throws WireException {
    throw new WireException(why);
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
