/**
 * A push server for tests, of application servers and of devices alike. Start with {@link
 * org.simplepush.server.testing.FakePushServer}, a JUnit 5 extension.
 *
 * <p>It is the artifact {@code simplepush-server} with the classifier {@code testing}. An artifact
 * with a classifier brings nothing along: depend, in scope {@code test}, on {@code
 * simplepush-server} itself and on {@code junit-jupiter} (5.10 or later) too.
 *
 * <pre>{@code
 * <dependency>
 *   <groupId>org.simplepush</groupId>
 *   <artifactId>simplepush-server</artifactId>
 *   <version>...</version>
 *   <scope>test</scope>
 * </dependency>
 * <dependency>
 *   <groupId>org.simplepush</groupId>
 *   <artifactId>simplepush-server</artifactId>
 *   <version>...</version>
 *   <classifier>testing</classifier>
 *   <scope>test</scope>
 * </dependency>
 * }</pre>
 */
@NullMarked
package org.simplepush.server.testing;

import org.jspecify.annotations.NullMarked;
