package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.simplepush.appserver.testing.Databases;
import org.simplepush.appserver.testing.PushSink;

/** A notifier and an outbox can be closed by whatever they call. */
@Timeout(90)
class CloseInCallbackTest {
  /** Longer than the test: to wait for it is to hang. */
  private static final Duration DRAIN = Duration.ofHours(1);

  private enum Callback {
    FUTURE,
    NOTIFIER_LISTENER,
    VERDICT_LISTENER,
    SUMMARY,
    ITERATOR
  }

  @TempDir private Path directory;

  private final CompletableFuture<Notifier> notifier = new CompletableFuture<>();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();

  /** Answers wait until what depends on them is set up. */
  private final CountDownLatch mayAnswer = new CountDownLatch(1);

  private PushSink sink() throws Exception {
    PushSink sink = new PushSink();
    sink.status =
        () -> {
          try {
            return mayAnswer.await(60, TimeUnit.SECONDS) ? 200 : 503;
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };
    return sink;
  }

  private void close() {
    notifier.join().close();
    closed.complete(null);
  }

  private Notifier build(Callback callback) {
    Notifier.Builder builder = Notifier.builder().permitHost("localhost").drain(DRAIN);
    if (callback == Callback.NOTIFIER_LISTENER) {
      builder.listener(
          new NotifierListener() {
            @Override
            public void onVerdict(Delivered event) {
              close();
            }
          });
    }
    return builder.build();
  }

  private void publish(Notifier built, PushSink sink, Callback callback) {
    List<URI> two = List.of(sink.endpoint(1), sink.endpoint(2));
    switch (callback) {
      case NOTIFIER_LISTENER -> built.publish(sink.endpoint(1), 7);
      case FUTURE -> built.publish(sink.endpoint(1), 7).thenRun(this::close);
      case VERDICT_LISTENER -> built.publishAll(two, 7, (endpoint, verdict) -> close());
      case SUMMARY -> built.publishAll(two, 7).thenRun(this::close);
      case ITERATOR -> built.publishAll(() -> closing(two.iterator()), 7);
    }
  }

  private Iterator<URI> closing(Iterator<URI> endpoints) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return endpoints.hasNext();
      }

      @Override
      public URI next() {
        close();
        return endpoints.next();
      }
    };
  }

  @ParameterizedTest
  @EnumSource
  void notifierClosedByItsCallbackEnds(Callback callback) throws Exception {
    try (PushSink sink = sink()) {
      Notifier built = build(callback);
      notifier.complete(built);
      publish(built, sink, callback);
      mayAnswer.countDown();
      assertThat(closed).succeedsWithin(Duration.ofSeconds(30));
      assertThat(built.closeAsync()).succeedsWithin(Duration.ofSeconds(30));
      built.close(); // not a callback: waits, for nothing any more
    }
  }

  @Test
  void notifierClosedByTheListenerOfAnOutboxEnds() throws Exception {
    CompletableFuture<Outbox> outbox = new CompletableFuture<>();
    try (PushSink sink = sink()) {
      Notifier built = build(Callback.VERDICT_LISTENER);
      notifier.complete(built);
      Outbox made =
          Outbox.builder(built, Databases.sqlite(directory.resolve("outbox.db")))
              .listener(
                  (endpoint, verdict) -> {
                    outbox.join().close();
                    close();
                  })
              .build();
      made.createTable();
      outbox.complete(made);
      made.publish(sink.endpoint(1), 7);
      mayAnswer.countDown();
      assertThat(closed).succeedsWithin(Duration.ofSeconds(30));
      assertThat(built.closeAsync()).succeedsWithin(Duration.ofSeconds(30));
    }
  }
}
