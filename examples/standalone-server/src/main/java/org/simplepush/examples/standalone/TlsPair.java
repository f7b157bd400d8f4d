package org.simplepush.examples.standalone;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/** A certificate chain, the server's own certificate first, and the private key of that. */
record TlsPair(List<X509Certificate> chain, PrivateKey key) {
  private static final Pattern PKCS8 =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

  /** A file may hold other things beside: the key, or text that says whose certificate it is. */
  private static final Pattern CERTIFICATE =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----");

  /** A handshake takes a dozen turns. */
  private static final int MAX_TURNS = 100;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /**
   * Reads both out of their files and tries them.
   *
   * @throws IOException with a sentence that says which file is wrong and how
   */
  static TlsPair of(TlsFiles files) throws IOException {
    List<X509Certificate> chain = certificates(files);
    TlsPair pair = new TlsPair(chain, key(files, chain.get(0)));
    pair.tryHandshake(files);
    return pair;
  }

  private static List<X509Certificate> certificates(TlsFiles files) throws IOException {
    List<X509Certificate> chain = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      Matcher matcher = CERTIFICATE.matcher(files.certificatePem());
      while (matcher.find()) {
        byte[] block = matcher.group().getBytes(StandardCharsets.ISO_8859_1);
        chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(block)));
      }
    } catch (GeneralSecurityException e) {
      throw new IOException(
          "--tls-cert names " + files.certificate() + ", whose certificate is damaged", e);
    }
    if (chain.isEmpty()) {
      throw new IOException(
          "--tls-cert names "
              + files.certificate()
              + ", which holds no certificate in PEM ('-----BEGIN CERTIFICATE-----')");
    }
    return List.copyOf(chain);
  }

  private static PrivateKey key(TlsFiles files, X509Certificate certificate) throws IOException {
    Matcher matcher = PKCS8.matcher(files.keyPem());
    if (!matcher.find()) {
      throw new IOException(
          "--tls-key names "
              + files.key()
              + ", which is not an unencrypted PKCS #8 key in PEM; convert it with"
              + " 'openssl pkcs8 -topk8 -nocrypt'");
    }
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(matcher.group(1));
      return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
          .generatePrivate(new PKCS8EncodedKeySpec(encoded));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(notTheKey(files), e);
    }
  }

  private static String notTheKey(TlsFiles files) {
    return "--tls-key names "
        + files.key()
        + ", which is not the key of the first certificate in "
        + files.certificate();
  }

  /** Returns what the certificate is called in a key manager and in handshakes. */
  String algorithm() {
    return chain.get(0).getPublicKey().getAlgorithm();
  }

  /** Says how the time of the certificate is wrong now, or returns null if it is not. */
  @Nullable String wrongTime(Instant now) {
    X509Certificate certificate = chain.get(0);
    if (now.isAfter(certificate.getNotAfter().toInstant())) {
      return "expired at " + certificate.getNotAfter().toInstant();
    }
    if (now.isBefore(certificate.getNotBefore().toInstant())) {
      return "is not valid before " + certificate.getNotBefore().toInstant();
    }
    return null;
  }

  /**
   * Has a client and a server in this process shake hands: only that shows that the key is that of
   * the certificate, and that TLS can do something with both.
   */
  private void tryHandshake(TlsFiles files) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          new KeyManager[] {new TlsKeyManager(this)},
          new TrustManager[] {new TrustEverybody()},
          null);
      SSLEngine server = context.createSSLEngine();
      server.setUseClientMode(false);
      SSLEngine client = context.createSSLEngine();
      client.setUseClientMode(true);
      shakeHands(client, server);
    } catch (SSLException e) {
      throw new IOException(
          "%s, or no TLS handshake succeeds with them: %s"
              .formatted(notTheKey(files), e.getMessage()),
          e);
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS is not available: " + e.getMessage(), e);
    }
  }

  private static void shakeHands(SSLEngine client, SSLEngine server) throws SSLException {
    ByteBuffer toServer = ByteBuffer.allocate(client.getSession().getPacketBufferSize()).flip();
    ByteBuffer toClient = ByteBuffer.allocate(server.getSession().getPacketBufferSize()).flip();
    client.beginHandshake();
    server.beginHandshake();
    for (int turn = 0; turn < MAX_TURNS; turn++) {
      goOn(client, toClient, toServer);
      goOn(server, toServer, toClient);
      if (isOver(client) && isOver(server)) {
        return;
      }
    }
    throw new SSLException("it does not come to an end");
  }

  private static boolean isOver(SSLEngine engine) {
    return engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
  }

  /** Reads a record, if one came, and writes one, if one is due. */
  private static void goOn(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
    runTasks(engine);
    if (in.hasRemaining() && engine.getHandshakeStatus() != HandshakeStatus.NEED_WRAP) {
      ByteBuffer plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
      engine.unwrap(in, plain);
      runTasks(engine);
    }
    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      out.compact();
      SSLEngineResult result = engine.wrap(NOTHING.duplicate(), out);
      out.flip();
      if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
        throw new SSLException("one side ended it");
      }
    }
  }

  private static void runTasks(SSLEngine engine) {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }
}
