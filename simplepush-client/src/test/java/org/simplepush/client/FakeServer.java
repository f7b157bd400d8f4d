package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.Queue;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;

/** The other end of the device's connections; the test speaks for it. */
final class FakeServer implements Transport {
  private final Queue<FakeConnection> connections = new ArrayDeque<>();

  @Override
  public Connection connect(URI target, Events events) {
    if (target.getHost().equals("unusable.example.org")) {
      throw new IllegalArgumentException("no such address can be");
    }
    if (failure != null) {
      throw failure;
    }
    FakeConnection connection = new FakeConnection(target, events);
    connections.add(connection);
    return connection;
  }

  /** What every attempt to connect meets, unless null. */
  Error failure;

  /** Where the device is told that it listens; null: it cannot. */
  Doorbell doorbell;

  Runnable rung;

  @Override
  public Doorbell listen(Runnable rung) {
    this.rung = doorbell == null ? null : rung;
    return doorbell;
  }

  @Override
  public void listenNoMore() {
    rung = null;
  }

  /** Returns the attempt to connect that must have been made. */
  FakeConnection accept() {
    assertThat(connections).as("attempts to connect").isNotEmpty();
    return connections.poll();
  }

  boolean hasAttempt() {
    return !connections.isEmpty();
  }

  void assertNobodyConnects() {
    assertThat(connections).as("attempts to connect").isEmpty();
  }

  static final class FakeConnection implements Connection {
    private static final MessageCodec CODEC = new MessageCodec(1 << 20);

    final URI target;
    final Events events;
    private final Queue<String> sent = new ArrayDeque<>();
    Integer closeCode;
    boolean aborted;

    /** So much waits to be sent that the connection takes no more. */
    boolean full;

    FakeConnection(URI target, Events events) {
      this.target = target;
      this.events = events;
    }

    @Override
    public boolean send(String text) {
      if (closeCode != null || aborted || full) {
        return false;
      }
      sent.add(text);
      return true;
    }

    @Override
    public void close(int code, String reason) {
      closeCode = code;
    }

    @Override
    public void abort() {
      aborted = true;
    }

    /** Returns what the device said next. */
    ClientMessage next() {
      assertThat(sent).as("messages of the device").isNotEmpty();
      try {
        return CODEC.readClientMessage(sent.poll());
      } catch (MalformedMessageException e) {
        throw new AssertionError(e);
      }
    }

    boolean hasSaid() {
      return !sent.isEmpty();
    }

    <T extends ClientMessage> T next(Class<T> type) {
      ClientMessage message = next();
      assertThat(message).isInstanceOf(type);
      return type.cast(message);
    }

    void assertNothingSaid() {
      assertThat(sent).as("messages of the device").isEmpty();
    }
  }
}
