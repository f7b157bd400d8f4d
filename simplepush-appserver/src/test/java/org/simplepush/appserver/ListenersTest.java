package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.simplepush.appserver.internal.send.Outcome;

class ListenersTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final List<Object> events = new ArrayList<>();

  private final NotifierListener recorder =
      new NotifierListener() {
        @Override
        public void onAttempt(Attempt event) {
          events.add(event);
        }

        @Override
        public void onVerdict(Delivered event) {
          events.add(event);
        }

        @Override
        public void onHostPaused(HostPaused event) {
          events.add(event);
        }

        @Override
        public void onHostRecovered(HostRecovered event) {
          events.add(event);
        }
      };

  private final NotifierListener thrower =
      new NotifierListener() {
        @Override
        public void onAttempt(Attempt event) {
          throw new IllegalStateException("thrown by the test's listener");
        }

        @Override
        public void onHostRecovered(HostRecovered event) {
          throw new StackOverflowError("thrown by the test's listener");
        }
      };

  @Test
  void eachEventReachesEachListenerThoughOneThrows() {
    Listeners listeners = new Listeners(List.of(thrower, recorder));
    listeners.attemptEnded("push.example", 2, 503, SECOND, true);
    listeners.callEnded(new Outcome.Gone(410), MINUTE);
    listeners.hostPaused("push.example", SECOND, MINUTE);
    listeners.hostRecovered("push.example", MINUTE);
    assertThat(events)
        .containsExactly(
            new NotifierListener.Attempt("push.example", 2, 503, SECOND, true),
            new NotifierListener.Delivered(new Verdict.Gone(410), MINUTE),
            new NotifierListener.HostPaused("push.example", SECOND, MINUTE),
            new NotifierListener.HostRecovered("push.example", MINUTE));
  }

  @Test
  void isEmptyWithoutListeners() {
    assertThat(new Listeners(List.of()).isEmpty()).isTrue();
    assertThat(new Listeners(List.of(recorder)).isEmpty()).isFalse();
  }
}
