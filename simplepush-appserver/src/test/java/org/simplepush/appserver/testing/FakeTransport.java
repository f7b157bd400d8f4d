package org.simplepush.appserver.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.simplepush.appserver.internal.send.Answer;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.Transport;

/** Requests that wait on the wire until the test answers them. */
public final class FakeTransport implements Transport {
  public record Put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {}

  /** What is on the wire, in the order sent. */
  public final List<Put> wire = new ArrayList<>();

  /** What was given up, in that order. */
  public final List<Put> cancelled = new ArrayList<>();

  public int sent;

  @Override
  public synchronized Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {
    sent++;
    Put put = new Put(endpoint, version, onAnswer);
    wire.add(put);
    return () -> {
      cancelled.add(put);
      wire.remove(put);
    };
  }

  @Override
  public void cancelAll() {
    for (Put put : List.copyOf(wire)) {
      wire.remove(put);
      put.onAnswer().accept(new Answer.Broken(Outcome.Cause.NETWORK, "cancelled"));
    }
  }

  /** Answers the only request on the wire. */
  public void answer(Answer answer) {
    assertThat(wire).hasSize(1);
    answerFirst(answer);
  }

  public void answerFirst(Answer answer) {
    wire.remove(0).onAnswer().accept(answer);
  }

  /** Answers what is on the wire now; not what is sent meanwhile. */
  public void answerAll(Answer answer) {
    for (Put put : List.copyOf(wire)) {
      wire.remove(put);
      put.onAnswer().accept(answer);
    }
  }

  public void answerHost(String host, Answer answer) {
    for (Put put : List.copyOf(wire)) {
      if (put.endpoint().host().equals(host)) {
        wire.remove(put);
        put.onAnswer().accept(answer);
      }
    }
  }

  public List<Long> versions() {
    return wire.stream().map(Put::version).toList();
  }

  public static Answer status(int code) {
    return new Answer.Status(code, null, false);
  }

  public static Answer status(int code, Duration retryAfter) {
    return new Answer.Status(code, retryAfter, false);
  }

  public static Answer stale() {
    return new Answer.Status(200, null, true);
  }
}
