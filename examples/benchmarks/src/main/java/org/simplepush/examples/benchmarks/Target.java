package org.simplepush.examples.benchmarks;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.Authority;

/** Where the requests of a measurement go: the server's address, and where its endpoints are. */
final class Target {
  /** The sample key of RFC 6455 and its answer: a server must compute it, we need not. */
  private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";

  static final String ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

  /** Enough source addresses for 200,000 ports of 28,000 each. */
  private static final int SOURCES = 8;

  final InetSocketAddress webSocket;
  final String upgrade;

  /** What connections of devices begin TLS with, null for ws. */
  final @Nullable SSLContext tls;

  private final @Nullable InetSocketAddress endpointOverride;
  private @Nullable String endpointAuthority;
  private @Nullable InetSocketAddress endpoint;
  private @Nullable SSLContext endpointTls;

  /**
   * Of a server.
   *
   * @param endpoint where to send PUTs instead of where the endpoints say, or null
   * @throws LoadException if a URL is not ws, wss, http or https, or its host is not known
   */
  Target(URI ws, @Nullable URI endpoint) throws LoadException {
    if (!isOne(ws, "ws", "wss")) {
      throw new WrongOptionException("--ws must be like ws://127.0.0.1:8080/, but was " + ws);
    }
    if (endpoint != null && !isOne(endpoint, "http", "https")) {
      throw new WrongOptionException(
          "--endpoint must be like http://127.0.0.1:8081, but was " + endpoint);
    }
    this.webSocket = resolve(ws);
    this.tls = "wss".equals(ws.getScheme()) ? ClientTls.context() : null;
    this.endpointOverride = endpoint == null ? null : resolve(endpoint);
    String path = ws.getRawPath().isEmpty() ? "/" : ws.getRawPath();
    this.upgrade =
        "GET "
            + (ws.getRawQuery() == null ? path : path + "?" + ws.getRawQuery())
            + " HTTP/1.1\r\nHost: "
            + ws.getRawAuthority()
            + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
            + KEY
            + "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: push-notification\r\n\r\n";
  }

  private static boolean isOne(URI uri, String scheme, String secureScheme) {
    return (scheme.equals(uri.getScheme()) || secureScheme.equals(uri.getScheme()))
        && Authority.of(uri) != null;
  }

  private static InetSocketAddress resolve(URI uri) throws LoadException {
    Authority authority = Objects.requireNonNull(Authority.of(uri));
    try {
      return new InetSocketAddress(
          InetAddress.getByName(authority.host()),
          authority.port() < 0 ? defaultPort(uri) : authority.port());
    } catch (UnknownHostException e) {
      throw new LoadException("The host of " + uri + " is not known");
    }
  }

  private static int defaultPort(URI uri) {
    return "wss".equals(uri.getScheme()) || "https".equals(uri.getScheme()) ? 443 : 80;
  }

  /**
   * Returns the address to connect from, or null for any: one address has ports for no more than
   * 28,000 connections to another, and on the loopback of Linux there are more addresses.
   */
  @Nullable InetSocketAddress source(int device) throws UnknownHostException {
    byte[] address = webSocket.getAddress().getAddress();
    boolean linux = System.getProperty("os.name", "").startsWith("Linux");
    if (!linux || address.length != 4 || address[0] != 127) {
      return null;
    }
    byte[] from = {127, 0, 0, (byte) (1 + device % SOURCES)};
    return new InetSocketAddress(InetAddress.getByAddress(from), 0);
  }

  /** Returns a PUT to an endpoint up to the ten digits of its version. */
  String putRequest(String endpointUrl) throws WireException {
    URI uri = parse(endpointUrl);
    String path =
        uri.getRawQuery() == null ? uri.getRawPath() : uri.getRawPath() + "?" + uri.getRawQuery();
    return "PUT "
        + path
        + " HTTP/1.1\r\nHost: "
        + uri.getRawAuthority()
        + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\nversion=";
  }

  /** Notes where an endpoint is; all of a server's must be at one place. */
  synchronized void learn(String endpointUrl) throws WireException {
    if (endpointAuthority == null) {
      URI uri = parse(endpointUrl);
      endpointAuthority = uri.getRawAuthority();
      try {
        endpoint = endpointOverride == null ? resolve(uri) : endpointOverride;
        endpointTls = "https".equals(uri.getScheme()) ? ClientTls.context() : null;
      } catch (LoadException e) {
        throw new WireException("The endpoints of this server are at a host that is not known");
      }
    } else if (!endpointAuthority.equals(parse(endpointUrl).getRawAuthority())) {
      throw new WireException("The endpoints of this server are at several hosts");
    }
  }

  /** Returns where PUTs go. */
  synchronized InetSocketAddress endpoint() throws LoadException {
    InetSocketAddress known = endpoint;
    if (known == null) {
      throw new LoadException("No device was given an endpoint, so nothing can be PUT");
    }
    return known;
  }

  /** Returns what a PUT begins TLS with, null without TLS; known after {@link #learn}. */
  synchronized @Nullable SSLContext endpointTls() {
    return endpointTls;
  }

  private static URI parse(String endpointUrl) throws WireException {
    try {
      URI uri = new URI(endpointUrl);
      if (isOne(uri, "http", "https")) {
        return uri;
      }
    } catch (URISyntaxException e) {
      throw new WireException("The server gave an endpoint that is no URL");
    }
    throw new WireException("The server gave an endpoint that is no http or https URL");
  }
}
