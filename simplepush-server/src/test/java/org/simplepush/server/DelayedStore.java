package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;

/**
 * A store that, once told to {@link #hold}, does each step and answers it when the test says so. At
 * first it passes everything on. It can be shared if what it passes on to can.
 */
final class DelayedStore implements SharedVersionStore {
  private final VersionStore delegate;
  private final Deque<Step<?>> held = new ArrayDeque<>();
  private volatile boolean holding;
  private volatile Throwable failure;
  private volatile RuntimeException thrown;

  DelayedStore(VersionStore delegate) {
    this.delegate = delegate;
  }

  /** A step that was asked for and not answered. */
  static final class Step<T> {
    private final String name;
    private final Supplier<CompletionStage<T>> effect;
    private final CompletableFuture<T> answer = new CompletableFuture<>();
    private CompletionStage<T> taken;

    private Step(String name, Supplier<CompletionStage<T>> effect) {
      this.name = name;
      this.effect = effect;
    }

    /** The store does it; nobody hears of that yet. */
    void takesEffect() {
      assertThat(taken).isNull();
      taken = effect.get();
    }

    /** The store answers; it does the step first, if it has not. */
    void answers() {
      if (taken == null) {
        takesEffect();
      }
      answer.complete(taken.toCompletableFuture().join());
    }

    /** The store completes the stage with nothing in it, which no store may do but for Void. */
    void answersNothing() {
      answer.complete(null);
    }

    /** The store fails, whether or not it did the step. */
    void fails() {
      answer.completeExceptionally(away());
    }
  }

  /** What a store says when its database is away; without traces, for it is logged. */
  static StoreException away() {
    IllegalStateException cause = new IllegalStateException("away");
    StoreException failure = new StoreException("The database is away", cause);
    cause.setStackTrace(new StackTraceElement[0]);
    failure.setStackTrace(new StackTraceElement[0]);
    return failure;
  }

  void hold() {
    holding = true;
  }

  void holdNoMore() {
    holding = false;
  }

  /** From now on every stage has failed when it is returned. */
  void failAtOnce(Throwable failure) {
    this.failure = failure;
  }

  /** From now on every method throws, which no store may do. */
  void throwAtOnce(RuntimeException thrown) {
    this.thrown = thrown;
  }

  /** Takes the eldest step not answered, which is of this method. */
  Step<?> next(String name) {
    assertThat(held).as("steps not answered").isNotEmpty();
    Step<?> step = held.remove();
    assertThat(step.name).isEqualTo(name);
    return step;
  }

  /** Takes all steps not answered, the eldest first. */
  List<Step<?>> takeAll() {
    List<Step<?>> all = List.copyOf(held);
    held.clear();
    return all;
  }

  void nothingAsked() {
    assertThat(held).extracting(step -> step.name).isEmpty();
  }

  private <T> CompletionStage<T> step(String name, Supplier<CompletionStage<T>> effect) {
    RuntimeException thrown = this.thrown;
    if (thrown != null) {
      throw thrown;
    }
    Throwable failure = this.failure;
    if (failure != null) {
      return CompletableFuture.failedStage(failure);
    }
    if (!holding) {
      return effect.get();
    }
    Step<T> step = new Step<>(name, effect);
    held.add(step);
    return step.answer;
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, List<ChannelId> channelIds) {
    return step("hello", () -> delegate.hello(uaid, channelIds));
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    return step("register", () -> delegate.register(uaid, channelId, maxChannels));
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    return step("unregister", () -> delegate.unregister(uaid, channelId));
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
    return step("drop", () -> delegate.drop(uaid));
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return step("advance", () -> delegate.advance(uaid, channelId, version));
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return step("advanceToNext", () -> delegate.advanceToNext(uaid, channelId, atLeast));
  }

  @Override
  public CompletionStage<Void> acknowledge(Uaid uaid, List<Update> updates) {
    return step("acknowledge", () -> delegate.acknowledge(uaid, updates));
  }

  @Override
  public CompletionStage<Optional<List<Update>>> pending(Uaid uaid) {
    return step("pending", () -> delegate.pending(uaid));
  }

  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    return step("expireEmpty", () -> delegate.expireEmpty(notSeenFor));
  }

  @Override
  public Optional<Size> size() {
    return delegate.size();
  }

  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    return step("expire", () -> delegate.expire(notSeenFor));
  }

  @Override
  public CompletionStage<Void> check() {
    return step("check", delegate::check);
  }

  @Override
  public Node join(Duration notSeenFor, Listener listener) {
    if (failure != null) {
      throw away();
    }
    Node node = ((SharedVersionStore) delegate).join(notSeenFor, listener);
    return new Node() {
      @Override
      public CompletionStage<Greeting> hello(Uaid uaid, List<ChannelId> channelIds) {
        return step("hello", () -> node.hello(uaid, channelIds));
      }

      @Override
      public CompletionStage<Comparison> settle(
          Uaid uaid, long connection, Basis.Seen seen, List<ChannelId> channelIds) {
        return step("settle", () -> node.settle(uaid, connection, seen, channelIds));
      }

      @Override
      public CompletionStage<Comparison> compare(Uaid uaid, Basis.Claim claim) {
        return step("compare", () -> node.compare(uaid, claim));
      }

      @Override
      public CompletionStage<Optional<Registered>> register(
          Uaid uaid, Basis basis, ChannelId channelId, int maxChannels) {
        return step("register", () -> node.register(uaid, basis, channelId, maxChannels));
      }

      @Override
      public CompletionStage<Removal> unregister(Uaid uaid, Basis basis, ChannelId channelId) {
        return step("unregister", () -> node.unregister(uaid, basis, channelId));
      }

      @Override
      public CompletionStage<Boolean> drop(Uaid uaid, Basis basis) {
        return step("drop", () -> node.drop(uaid, basis));
      }

      @Override
      public CompletionStage<Void> release(Uaid uaid, long connection) {
        return step("release", () -> node.release(uaid, connection));
      }

      @Override
      public void close() {
        node.close();
      }
    };
  }

  @Override
  public void close() {
    delegate.close();
  }
}
