package org.simplepush.appserver;

import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.simplepush.appserver.internal.send.Fanout;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.OutcomeTally;

/** Translates between the public types and those of the packages that do not know these. */
final class Adapters {
  private Adapters() {}

  static Verdict verdict(Outcome outcome) {
    return switch (outcome.type()) {
      case ACCEPTED -> new Verdict.Accepted(((Outcome.Accepted) outcome).stale());
      case GONE -> new Verdict.Gone(((Outcome.Gone) outcome).status());
      case REJECTED -> {
        Outcome.Rejected rejected = (Outcome.Rejected) outcome;
        yield new Verdict.Rejected(rejected.status(), rejected.reason());
      }
      case REFUSED -> {
        Outcome.Refused refused = (Outcome.Refused) outcome;
        yield new Verdict.Refused(check(refused.check()), refused.reason());
      }
      case FAILED -> {
        Outcome.Failed failed = (Outcome.Failed) outcome;
        yield new Verdict.Failed(cause(failed.cause()), failed.attempts(), failed.reason());
      }
    };
  }

  private static Verdict.Check check(Outcome.Check check) {
    return switch (check) {
      case URL -> Verdict.Check.URL;
      case SCHEME -> Verdict.Check.SCHEME;
      case PORT -> Verdict.Check.PORT;
      case ADDRESS -> Verdict.Check.ADDRESS;
      case REDIRECT -> Verdict.Check.REDIRECT;
    };
  }

  private static Verdict.Cause cause(Outcome.Cause cause) {
    return switch (cause) {
      case NETWORK -> Verdict.Cause.NETWORK;
      case TIMEOUT -> Verdict.Cause.TIMEOUT;
      case TLS -> Verdict.Cause.TLS;
      case BUSY -> Verdict.Cause.BUSY;
      case SERVER_ERROR -> Verdict.Cause.SERVER_ERROR;
      case FULL -> Verdict.Cause.FULL;
      case CLOSED -> Verdict.Cause.CLOSED;
      case INTERNAL -> Verdict.Cause.INTERNAL;
    };
  }

  static BiConsumer<URI, Outcome> listener(VerdictListener listener) {
    return (endpoint, outcome) -> listener.onVerdict(endpoint, verdict(outcome));
  }

  /** Returns what completes {@code summary}, and ends a fan-out when somebody else does. */
  static Fanout.End end(CompletableFuture<Summary> summary) {
    return new Fanout.End() {
      @Override
      public boolean isKnown() {
        return summary.isDone();
      }

      @Override
      public void ended(OutcomeTally.Counts outcomes, boolean complete) {
        summary.complete(
            new Summary(
                outcomes.accepted(),
                outcomes.stale(),
                outcomes.gone(),
                outcomes.rejected(),
                outcomes.refused(),
                outcomes.failed(),
                complete));
      }

      @Override
      public void failed(Throwable failure) {
        summary.completeExceptionally(failure);
      }
    };
  }
}
