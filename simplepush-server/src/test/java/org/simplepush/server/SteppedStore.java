package org.simplepush.server;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/**
 * What one node sees of a shared store: every step of the store or of its membership waits in one
 * queue until it is let take effect, and then until its answer is let arrive. It knows no step by
 * name, so it serves whatever steps there are.
 */
final class SteppedStore {
  /** How to call user agents. */
  interface Names {
    /** The name of a user agent; one that is new gets one now. */
    String of(Uaid uaid);
  }

  /** A step that was asked for. */
  final class Step {
    private final boolean ofMembership;
    private final Method method;
    private final Object[] arguments;
    private final CompletableFuture<Object> answer = new CompletableFuture<>();
    private Object result;
    private String text;
    private String resultText;

    private Step(boolean ofMembership, Method method, Object[] arguments) {
      this.ofMembership = ofMembership;
      this.method = method;
      this.arguments = arguments == null ? new Object[0] : arguments;
    }

    String name() {
      return method.getName();
    }

    Object argument(int index) {
      return arguments[index];
    }

    /** What the store has said, once it took effect. */
    Object result() {
      return result;
    }

    private void isAnswered() {
      if (result instanceof Failed) {
        answer.completeExceptionally(DelayedStore.away());
      } else {
        answer.complete(result);
      }
    }

    /** The same, as text. */
    String resultText() {
      if (resultText == null) {
        resultText = brief(result);
      }
      return resultText;
    }

    @Override
    public String toString() {
      if (text == null) {
        text = name() + brief(Arrays.asList(arguments));
      }
      return text;
    }
  }

  /** For people, and for telling states apart: what there is to know of these few. */
  private String brief(Object value) {
    if (value instanceof Uaid uaid) {
      return names.of(uaid);
    } else if (value instanceof ChannelId channel) {
      return "c" + (channel.value().getLeastSignificantBits() & 0xff);
    } else if (value instanceof Update update) {
      return brief(update.channelId()) + "=" + update.version();
    } else if (value instanceof Iterable<?> all) {
      StringBuilder text = new StringBuilder("[");
      for (Object one : all) {
        text.append(text.length() == 1 ? "" : ",").append(brief(one));
      }
      return text.append(']').toString();
    } else if (value instanceof Optional<?> optional) {
      return optional.map(this::brief).orElse("empty");
    } else if (value instanceof Record) {
      Parts parts = RECORDS.get(value.getClass());
      return parts.name() + brief(parts.of(value)).replace('[', '(').replace(']', ')');
    }
    return String.valueOf(value);
  }

  /** The parts of a record. */
  private record Parts(String name, List<Method> accessors) {
    Parts(Class<?> type) {
      this(
          type.getSimpleName(),
          Arrays.stream(type.getRecordComponents()).map(RecordComponent::getAccessor).toList());
      accessors.forEach(accessor -> accessor.setAccessible(true));
    }

    List<Object> of(Object value) {
      List<Object> parts = new ArrayList<>();
      try {
        for (Method accessor : accessors) {
          parts.add(accessor.invoke(value));
        }
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("Cannot read a " + name, e);
      }
      return parts;
    }
  }

  private static final ClassValue<Parts> RECORDS =
      new ClassValue<>() {
        @Override
        protected Parts computeValue(Class<?> type) {
          return new Parts(type);
        }
      };

  private static final Pattern GONE = Pattern.compile("Unknown|Diverged|UNKNOWN");

  private final Supplier<SharedVersionStore> store;
  private final Supplier<SharedVersionStore.Node> membership;
  private final Names names;
  private final Deque<Step> asked = new ArrayDeque<>();
  private final Deque<Step> done = new ArrayDeque<>();
  private final List<Step> adrift = new ArrayList<>();
  private int askedSoFar;

  /**
   * @param store the store as it is now
   * @param membership the node's, of that store
   * @param names how to call a user agent
   */
  SteppedStore(
      Supplier<SharedVersionStore> store,
      Supplier<SharedVersionStore.Node> membership,
      Names names) {
    this.store = store;
    this.membership = membership;
    this.names = names;
  }

  /** The store as the node sees it. Joining does nothing: the node has joined. */
  SharedVersionStore asSeen() {
    SharedVersionStore.Node node =
        proxy(SharedVersionStore.Node.class, (method, arguments) -> step(true, method, arguments));
    return proxy(
        SharedVersionStore.class,
        (method, arguments) ->
            method.getName().equals("join") ? node : step(false, method, arguments));
  }

  private interface Call {
    Object made(Method method, Object[] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call.made(method, arguments)));
  }

  private Object step(boolean ofMembership, Method method, Object[] arguments) {
    Step step = new Step(ofMembership, method, arguments);
    if (!CompletionStage.class.isAssignableFrom(method.getReturnType())) {
      return call(step); // what the store is asked without a step
    }
    for (Object argument : step.arguments) {
      if (argument instanceof Uaid uaid) {
        names.of(uaid); // in the order of the steps, whoever asks for the text, and when
      }
    }
    asked.add(step);
    askedSoFar++;
    return step.answer;
  }

  private Object call(Step step) {
    try {
      Object target = step.ofMembership ? membership.get() : store.get();
      return step.method.invoke(target, step.arguments);
    } catch (InvocationTargetException | IllegalAccessException e) {
      throw new IllegalStateException(step + " failed", e);
    }
  }

  /** The steps that were asked for and have not taken effect, in order. */
  Deque<Step> asked() {
    return asked;
  }

  /** The steps whose answers are on their way, in order. */
  Deque<Step> done() {
    return done;
  }

  /** The steps that the node has given up, and that may yet take effect. */
  List<Step> adrift() {
    return adrift;
  }

  /** How many steps were ever asked for. */
  int askedSoFar() {
    return askedSoFar;
  }

  /** The names of the steps that were asked for since there were so many. */
  String asked(int before) {
    StringBuilder names = new StringBuilder();
    asked.stream()
        .skip(asked.size() - (askedSoFar - before))
        .forEach(step -> names.append(step.name()));
    return names.toString();
  }

  /** What is under way, for telling states apart. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder().append(asked).append(adrift);
    done.forEach(step -> text.append(step).append(step.resultText()));
    return text.toString();
  }

  /**
   * The next step takes effect.
   *
   * @param mending whether the store may have lost something that is being applied again: then a
   *     step that finds somebody or something gone fails, and a drop is not even tried
   */
  Step takesEffect(boolean mending) {
    Step step = asked.remove();
    if (mending && step.name().equals("drop")) {
      step.result = new Failed();
    } else {
      apply(step);
      if (mending && GONE.matcher(step.resultText()).find()) {
        step.result = new Failed();
        step.resultText = null;
      }
    }
    done.add(step);
    return step;
  }

  /** The answer of a step that has failed. */
  private record Failed() {}

  /** Does a step once more, whoever waits for its answer. */
  Object again(Step step) {
    return ((CompletionStage<?>) call(step)).toCompletableFuture().join();
  }

  /** What a step did, again: the store is another. */
  void apply(Step step) {
    step.result = ((CompletionStage<?>) call(step)).toCompletableFuture().join();
  }

  /** The next answer arrives. */
  Step answers() {
    Step step = done.remove();
    step.isAnswered();
    return step;
  }

  /** The answer to the step that took effect last arrives, before others. */
  void answersLast() {
    done.removeLast().isAnswered();
  }

  /** The node gives up the next step, which the network still holds. */
  Step isGivenUp() {
    Step step = asked.remove();
    adrift.add(step);
    step.answer.completeExceptionally(DelayedStore.away());
    return step;
  }

  /** A step that was given up takes effect after all. */
  Step driftsIn(int index) {
    Step step = adrift.remove(index);
    apply(step);
    return step;
  }
}
