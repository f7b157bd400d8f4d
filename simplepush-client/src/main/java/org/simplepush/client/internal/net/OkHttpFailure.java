package org.simplepush.client.internal.net;

import java.io.EOFException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import okhttp3.HttpUrl;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Quote;

/** Says in plain English why a WebSocket could not be opened. */
final class OkHttpFailure {
  private OkHttpFailure() {}

  /**
   * Returns a sentence without its full stop.
   *
   * @param response what the server answered, or null if it did not get that far
   */
  static String reason(HttpUrl target, Throwable failure, @Nullable Response response) {
    if (response != null) {
      return answered(response, failure);
    }
    String place = target.host() + ":" + target.port();
    if (failure instanceof UnknownHostException) {
      return "the host name " + target.host() + " is unknown";
    }
    if (root(failure) instanceof EOFException) {
      return place + " ended the connection instead of answering" + schemeHint(target);
    }
    if (failure instanceof SSLException) {
      return tls(target, failure);
    }
    if (failure instanceof SocketTimeoutException) {
      return place + " did not answer in time";
    }
    if (failure instanceof ConnectException || failure instanceof NoRouteToHostException) {
      String detail = message(root(failure));
      return detail.contains("refused")
          ? place + " refused the connection; is the push server running there?"
          : place + " cannot be reached: " + detail;
    }
    if (failure instanceof ProtocolException) {
      return "what answered at " + place + " does not speak HTTP" + schemeHint(target);
    }
    return Quote.message(failure.toString());
  }

  private static String answered(Response response, Throwable failure) {
    int code = response.code();
    if (code == 101) {
      return "the server's WebSocket handshake is broken: " + message(failure);
    }
    String hint =
        switch (code) {
          case 301, 302, 303, 307, 308 -> "; devices do not follow redirects";
          case 400, 404, 405, 426 -> "; is it the address of a push server?";
          case 401, 403, 407 -> "; it does not let this device in";
          case 429, 503 -> "; it is busy";
          default -> "";
        };
    return "the server answered the WebSocket handshake with HTTP "
        + code
        + " instead of 101"
        + hint;
  }

  private static String tls(HttpUrl target, Throwable failure) {
    if (failure instanceof SSLPeerUnverifiedException) {
      return "the server's TLS certificate is not one of " + target.host();
    }
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof GeneralSecurityException) { // of certificates and their paths
        return "the server's TLS certificate is not trusted: " + message(root(cause));
      }
    }
    String detail = message(failure);
    return detail.startsWith("Unsupported or unrecognized SSL message")
        ? "what answered at "
            + target.host()
            + ":"
            + target.port()
            + " does not speak TLS"
            + schemeHint(target)
        : "TLS failed: " + detail;
  }

  private static String schemeHint(HttpUrl target) {
    return target.isHttps() ? "; is it a ws:// address?" : "; is it a wss:// address?";
  }

  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    for (Throwable cause = root.getCause(); cause != null; cause = cause.getCause()) {
      root = cause;
    }
    return root;
  }

  private static String message(Throwable failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : Quote.message(message);
  }
}
