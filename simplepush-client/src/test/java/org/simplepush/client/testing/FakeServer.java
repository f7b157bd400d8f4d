package org.simplepush.client.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.Queue;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;

/** The other end of the device's connections; the test speaks for it. */
public final class FakeServer implements Transport {
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
  public Error failure;

  /** Where the device is told that it listens; null: it cannot. */
  public Doorbell doorbell;

  public Runnable rung;

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
  public FakeConnection accept() {
    assertThat(connections).as("attempts to connect").isNotEmpty();
    return connections.poll();
  }

  public boolean hasAttempt() {
    return !connections.isEmpty();
  }

  public void assertNobodyConnects() {
    assertThat(connections).as("attempts to connect").isEmpty();
  }

  public static final class FakeConnection implements Connection {
    private static final MessageCodec CODEC = new MessageCodec(1 << 20);

    public final URI target;
    public final Events events;
    private final Queue<String> sent = new ArrayDeque<>();
    public Integer closeCode;
    public boolean aborted;

    /** So much waits to be sent that the connection takes no more. */
    public boolean full;

    public FakeConnection(URI target, Events events) {
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
    public ClientMessage next() {
      assertThat(sent).as("messages of the device").isNotEmpty();
      try {
        return CODEC.readClientMessage(sent.poll());
      } catch (MalformedMessageException e) {
        throw new AssertionError(e);
      }
    }

    public boolean hasSaid() {
      return !sent.isEmpty();
    }

    public <T extends ClientMessage> T next(Class<T> type) {
      ClientMessage message = next();
      assertThat(message).isInstanceOf(type);
      return type.cast(message);
    }

    public void assertNothingSaid() {
      assertThat(sent).as("messages of the device").isEmpty();
    }
  }
}
