package org.simplepush.appserver.internal.http;

import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.send.Transport;

/** All that a notifier needs to send over HTTP: the client, its lookups and its sockets. */
public final class HttpEngine {
  /**
   * How it behaves.
   *
   * @param connectTimeout how long connecting to one address may take, TLS apart
   * @param requestTimeout how long nothing may be read or written
   * @param maxConcurrent the most requests at a time
   * @param trustManager which certificates to trust; null for those that this Java trusts
   * @param socketFactory makes sockets, for tests; null for ours
   */
  public record Settings(
      Duration connectTimeout,
      Duration requestTimeout,
      int maxConcurrent,
      @Nullable X509TrustManager trustManager,
      @Nullable SocketFactory socketFactory) {}

  private final HostLookups lookups;
  private final OkHttpClient client;
  private final OkHttpTransport transport;

  /**
   * Creates an engine.
   *
   * @param guard finds the addresses of hosts, and refuses some
   * @param executor runs requests
   * @param lookupThreads makes threads that wait for name servers
   */
  public HttpEngine(
      Settings settings,
      EndpointGuard guard,
      ExecutorService executor,
      ThreadFactory lookupThreads) {
    lookups = new HostLookups(guard, settings.connectTimeout(), lookupThreads);
    BoundedSockets sockets = new BoundedSockets();
    X509TrustManager trusted =
        settings.trustManager() != null ? settings.trustManager() : trustedByThisJava();
    client =
        OkHttpTransport.newClient(executor, lookups, sockets)
            // As many idle connections as ever were busy: between two bursts they stay, for a
            // while.
            .connectionPool(new ConnectionPool(settings.maxConcurrent(), 1, TimeUnit.MINUTES))
            .connectTimeout(settings.connectTimeout())
            .readTimeout(settings.requestTimeout())
            .writeTimeout(settings.requestTimeout())
            .socketFactory(settings.socketFactory() != null ? settings.socketFactory() : sockets)
            .sslSocketFactory(sockets.withTls(socketsThatTrust(trusted)), trusted)
            .build();
    transport = new OkHttpTransport(client, lookups, InstantSource.system());
  }

  private static SSLSocketFactory socketsThatTrust(X509TrustManager trustManager) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {trustManager}, null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java has no TLS, or none with this trust manager.", e);
    }
  }

  private static X509TrustManager trustedByThisJava() {
    try {
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init((KeyStore) null);
      for (TrustManager each : factory.getTrustManagers()) {
        if (each instanceof X509TrustManager trusted) {
          return trusted;
        }
      }
      throw new IllegalStateException("This Java trusts no certificates.");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("The certificates this Java trusts cannot be read.", e);
    }
  }

  /** Returns what sends requests. */
  public Transport transport() {
    return transport;
  }

  /** Closes idle connections, and ends the threads that look hosts up, when these can end. */
  public void close() {
    lookups.stop();
    client.connectionPool().evictAll();
  }
}
