package org.simplepush.server.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;

/** What went wrong between Redis and us, in sentences for operators. None shows a password. */
final class Failures {
  private Failures() {}

  /** The sentence of the store itself, or what is at the bottom of it. */
  static String reason(@Nullable Throwable failure) {
    Throwable cause = failure;
    while (cause != null && cause.getCause() != null && !(cause instanceof StoreException)) {
      cause = cause.getCause();
    }
    return cause == null
        ? "unknown"
        : cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }

  private static List<Throwable> chain(Throwable failure) {
    List<Throwable> chain = new ArrayList<>();
    for (Throwable each = failure; each != null; each = each.getCause()) {
      chain.add(each);
    }
    return chain;
  }

  private static <T extends Throwable> @Nullable T find(Throwable failure, Class<T> type) {
    return chain(failure).stream()
        .filter(type::isInstance)
        .map(type::cast)
        .findFirst()
        .orElse(null);
  }

  private static boolean says(Throwable failure, String part) {
    return chain(failure).stream()
        .anyMatch(each -> String.valueOf(each.getMessage()).contains(part));
  }

  /** Why what was asked of a connection failed. */
  static StoreException failed(Throwable failure) {
    RedisCommandExecutionException refusal = find(failure, RedisCommandExecutionException.class);
    return new StoreException(
        find(failure, StoreException.class) != null
            ? reason(failure)
            : refusal != null
                ? refusal("Redis", String.valueOf(refusal.getMessage()))
                : "Redis is not connected: " + reason(failure),
        failure);
  }

  /** Whether nothing answered at that address. */
  static boolean isUnreachable(Throwable failure) {
    return find(failure, ConnectException.class) != null
        || find(failure, NoRouteToHostException.class) != null
        || find(failure, UnknownHostException.class) != null;
  }

  /** Why there is no connection. */
  static StoreException notConnected(RedisAddress address, Throwable failure) {
    return new StoreException(sentence(address, failure), failure);
  }

  private static String sentence(RedisAddress address, Throwable failure) {
    boolean atSentinel = says(failure, "Cannot connect to a Redis Sentinel");
    String place =
        atSentinel
            ? "The Sentinel at " + address
            : address.master() == null
                ? "Redis at " + address
                : "The master '" + address.master() + "' of the Sentinels at " + address;
    if (says(failure, "using sentinel for masterId")) {
      return "The Sentinels at " + address + " know no master '" + address.master() + "'";
    }
    if (isUnreachable(failure)) {
      return place + " cannot be reached: " + reason(failure);
    }
    if (says(failure, "unning in protected mode")) {
      return place
          + " is in protected mode and talks to its own machine only; give it a password or, in a"
          + " network you trust, protected-mode no";
    }
    RedisCommandExecutionException refusal = find(failure, RedisCommandExecutionException.class);
    if (refusal != null) {
      String hint =
          atSentinel ? "; a Sentinel's own password is ?sentinelPassword=PASSWORD in the URI" : "";
      return refusal(place, String.valueOf(refusal.getMessage())) + hint;
    }
    if (find(failure, RedisCommandTimeoutException.class) != null) {
      return place + " did not answer within " + address.timeout().toMillis() + " ms";
    }
    SSLException tls = find(failure, SSLException.class);
    if (tls != null) {
      return tls(place, failure);
    }
    return place
        + " ended the connection before it answered ("
        + reason(failure)
        + "); if that port is for TLS, write rediss://";
  }

  private static String tls(String place, Throwable failure) {
    if (says(failure, "not an SSL/TLS record") || says(failure, "handshake timed out")) {
      return place
          + " does not answer in TLS; write redis:// instead of rediss://, or give its TLS port";
    }
    if (says(failure, "fatal alert")) {
      return place
          + " refuses the TLS handshake ("
          + reason(failure)
          + "); if it wants a certificate, open the store with ClientOptions that have one";
    }
    return place + " shows a certificate that is not trusted: " + reason(failure);
  }

  /** Whether no answer came in time. */
  static boolean isTimeout(Throwable failure) {
    return find(failure, RedisCommandTimeoutException.class) != null;
  }

  /** What a server means by the error it gave; null if something else failed. */
  static @Nullable String refusal(String place, Throwable failure) {
    RedisCommandExecutionException refusal = find(failure, RedisCommandExecutionException.class);
    return refusal == null ? null : refusal(place, String.valueOf(refusal.getMessage()));
  }

  /** What a server means by an error. */
  static String refusal(String place, String said) {
    String detail = " (" + said + ")";
    if (said.contains("SELECT is not allowed in cluster mode")) {
      return place + " is a cluster, which has no numbered databases; leave out the number";
    }
    if (said.contains("without any password configured")) {
      return place + " does not take the user or the password" + detail;
    }
    return place
        + switch (said.replaceFirst(" .*", "")) {
          case "WRONGPASS" -> " does not take the user or the password" + detail;
          case "NOAUTH" -> " wants a password, which was not given";
          case "NOPERM" -> " gives its user too few permissions" + detail;
          case "READONLY" ->
              " is a replica, which takes no writes; give the address of its master or of the"
                  + " Sentinels"
                  + detail;
          default -> " refused: " + said;
        };
  }
}
